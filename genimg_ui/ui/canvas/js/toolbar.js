// Buttons, sliders and readings around the stage: they show the editor's state and call its acts.

import { SIZE_MAX, TOOLS } from "./editor.js";
import { SHORTCUTS } from "./keys.js";
import { hasBorder } from "./frame.js";

const SLIDER_STEPS = 1000;
const NEEDS_PICTURE = ["invert", "clear", "toggle-mask", "open-mask", "context", "fit", "actual", "zoom-in", "zoom-out"];

/** Slider position 0..1000 of a brush size; logarithmic, so that small sizes have room. */
export const sizeToSlider = (size) =>
  Math.round((SLIDER_STEPS * Math.log(size)) / Math.log(SIZE_MAX));
export const sliderToSize = (position) =>
  Math.max(1, Math.round(SIZE_MAX ** (position / SLIDER_STEPS)));

export class Toolbar {
  /** @param {HTMLElement} root @param {object} editor @param {(name:string)=>void} act */
  constructor(root, editor, act, signal) {
    this.root = root;
    this.editor = editor;
    this.buttons = [...root.querySelectorAll("[data-act]")];
    for (const button of this.buttons) {
      button.addEventListener(
        "click",
        (event) => {
          act(button.dataset.act);
          if (event.detail) root.focus({ preventScroll: true }); // by pointer: keys go on to the canvas
        },
        { signal },
      );
    }
    this.sliders = [...root.querySelectorAll("[data-slider]")];
    this.numbers = [...root.querySelectorAll("[data-number]")];
    this.#listen(signal);
    editor.addEventListener("state", () => this.update(), { signal });
    editor.addEventListener("pen", () => this.#find("pressure").removeAttribute("hidden"), { signal });
    this.#fillHelp();
    this.update();
  }

  #find(act) {
    return this.buttons.find((button) => button.dataset.act === act);
  }

  #listen(signal) {
    const { editor } = this;
    for (const slider of this.sliders) {
      const name = slider.dataset.slider;
      const read = () => (name === "size" ? sliderToSize(+slider.value) : +slider.value);
      slider.addEventListener("input", () => editor.setOption(name, read()), { signal });
    }
    for (const number of this.numbers) {
      const set = () => {
        if (number.value.trim()) editor.setOption(number.dataset.number, Number(number.value));
        this.update();
      };
      number.addEventListener("change", set, { signal });
      const leave = (event) => event.key === "Enter" && this.root.focus({ preventScroll: true });
      number.addEventListener("keydown", leave, { signal });
    }
  }

  #fillHelp() {
    const list = this.root.querySelector(".gc-help dl");
    list.replaceChildren(
      ...SHORTCUTS.map(({ keys, text }) => {
        const row = document.createElement("div");
        const term = document.createElement("dt");
        const meaning = document.createElement("dd");
        term.textContent = keys;
        meaning.textContent = text;
        row.append(term, meaning);
        return row;
      }),
    );
  }

  toggleHelp() {
    const sheet = this.root.querySelector(".gc-help");
    if (sheet.open) sheet.close();
    else sheet.showModal();
  }

  update() {
    const { editor } = this;
    const { picture, mask, options, tool } = editor;
    const uses = (name) => {
      if (tool === "frame" || tool === "context" || tool === "hand") return false;
      return name === "strength" || tool === "brush" || tool === "eraser";
    };
    this.root.classList.toggle("gc-has-picture", Boolean(picture));
    this.root.classList.toggle("gc-is-whole", editor.whole);
    for (const button of this.buttons) {
      const { act } = button.dataset;
      if (TOOLS.includes(act)) button.setAttribute("aria-pressed", String(act === tool));
      if (NEEDS_PICTURE.includes(act)) button.disabled = !picture;
      if (act === "undo") button.disabled = !mask?.history.undoSteps.length;
      if (act === "clear-context") button.disabled = !editor.box;
      if (act === "redo") button.disabled = !mask?.history.redoSteps.length;
      if (act === "toggle-mask") button.setAttribute("aria-pressed", String(!editor.maskShown));
      if (act === "pressure") button.setAttribute("aria-pressed", String(options.pressure));
    }
    for (const slider of this.sliders) {
      const name = slider.dataset.slider;
      slider.value = name === "size" ? sizeToSlider(options.size) : options[name];
      slider.style.setProperty("--gc-filled", `${(100 * (slider.value - slider.min)) / (slider.max - slider.min)}%`);
      slider.disabled = !uses(name);
    }
    for (const number of this.numbers) {
      const name = number.dataset.number;
      if (document.activeElement !== number) number.value = options[name];
      number.disabled = !uses(name);
    }
    this.#readings();
  }

  #readings() {
    const { picture, mask, view, border, extent } = this.editor.picture
      ? this.editor
      : { picture: null };
    const set = (name, text) => {
      const element = this.root.querySelector(`.gc-${name}`);
      if (element.textContent !== text) element.textContent = text;
    };
    if (!picture) {
      set("info", "");
      set("zoom", "–");
      return;
    }
    const share = (100 * mask.painted) / (mask.width * mask.height);
    const shown = share > 0 && share < 0.1 ? "< 0.1" : share.toFixed(1);
    const grown = hasBorder(border)
      ? ` → ${extent.right - extent.left} × ${extent.bottom - extent.top}`
      : "";
    const painted = mask.painted ? `mask ${shown} %` : "no mask";
    set("info", `${picture.width} × ${picture.height}${grown} px · ${painted}`);
    const percent = 100 * view.scale;
    set("zoom", `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`);
  }
}
