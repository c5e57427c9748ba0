// Puts the canvas together inside the component's element and offers it to the page.

import { Editor } from "./editor.js";
import { isBundle, maskRefusal, readMask, refusal, sizeRefusal, tryDecode } from "./files.js";
import { Keyboard, meantForCanvas } from "./keyboard.js";
import { PointerInput } from "./pointer.js";
import { Sync } from "./sync.js";
import { Toolbar } from "./toolbar.js";
import { Updates } from "./updates.js";

/** One canvas in one element. */
class MaskCanvas {
  constructor({ element, trigger, props, upload, watch, settings }) {
    this.root = element.querySelector(".gc-root");
    this.settings = settings;
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    const stage = this.root.querySelector(".gc-stage");
    const { root } = this;
    this.editor = new Editor(stage);
    const { editor } = this;
    const notify = (text) => this.notify(text);
    const busy = (text) => this.busy(text);
    this.sync = new Sync({ props, trigger, upload, settings, editor, notify });
    this.updates = new Updates({ editor, sync: this.sync, notify, busy });
    const act = (name) => this.act(name);
    this.toolbar = new Toolbar(root, editor, act, signal);
    this.input = new PointerInput(stage.querySelector(".gc-marks"), editor, signal);
    this.keyboard = new Keyboard(root, editor, act, signal);
    editor.addEventListener("edited", () => this.sync.edited(), { signal });
    editor.addEventListener("border", () => this.sync.borderChanged(), { signal });
    editor.addEventListener("context", () => this.sync.contextChanged(), { signal });
    this.observer = new ResizeObserver(() => editor.resized());
    this.observer.observe(stage);
    this.#listen(signal);
    editor.resized();
    watch("value", () => this.updates.receive(props.value));
    this.updates.receive(props.value);
  }

  #listen(signal) {
    const { root } = this;
    const on = (target, name, handler) => target.addEventListener(name, handler, { signal });
    for (const [name, open] of [
      ["picture-file", (file) => this.openPicture(file)],
      ["mask-file", (file) => this.openMask(file)],
    ]) {
      const input = root.querySelector(`.gc-${name}`);
      on(input, "change", () => {
        const [file] = input.files;
        input.value = ""; // so that the same file can be chosen again
        if (file) open(file);
      });
    }
    on(root, "dragover", (e) => {
      e.preventDefault();
      root.classList.add("gc-dropping");
    });
    on(root, "dragleave", (e) => {
      if (!root.contains(e.relatedTarget)) root.classList.remove("gc-dropping");
    });
    on(root, "drop", (e) => {
      e.preventDefault();
      root.classList.remove("gc-dropping");
      this.#dropped(e.dataTransfer);
    });
    // A file dropped beside the canvas must not make the browser leave the page.
    on(window, "dragover", (e) => e.preventDefault());
    on(window, "drop", (e) => e.preventDefault());
    on(document, "paste", (e) => {
      const [file] = e.clipboardData?.files ?? [];
      if (!file || !meantForCanvas(root, e)) return;
      e.preventDefault();
      this.openPicture(file);
    });
    on(window, "pagehide", () => this.sync.leave());
    on(document, "visibilitychange", () => document.hidden && this.sync.leave());
    on(root.querySelector(".gc-dismiss"), "click", () => this.notify(null));
  }

  #dropped(transfer) {
    const [file] = transfer.files;
    if (file) this.openPicture(file);
    else this.sync.refuse("A picture must be dropped as a file, got text or an address of a page.");
  }

  /** @param {string|null} text a sentence for the person, null takes it away */
  notify(text) {
    const box = this.root.querySelector(".gc-message");
    box.querySelector("span").textContent = text ?? "";
    box.hidden = !text;
  }

  /** @param {string|null} text what is going on, null when it is over */
  busy(text) {
    const box = this.root.querySelector(".gc-busy");
    this.root.classList.toggle("gc-is-busy", Boolean(text));
    box.querySelector("span").textContent = text ?? "";
    box.hidden = !text;
  }

  /** Open a picture from this computer. @param {File} file */
  async openPicture(file) {
    if (isBundle(file)) return this.openBundle(file);
    const refused = refusal(file, this.settings.maxBytes);
    if (refused) return this.sync.refuse(refused);
    const started = performance.now();
    this.busy("Opening…");
    const picture = await tryDecode(file);
    const tooLarge = picture && sizeRefusal(picture.width, picture.height, this.settings.maxPixels);
    if (tooLarge) {
      picture.close();
      this.busy(null);
      return this.sync.refuse(tooLarge);
    }
    const detached = this.editor.mask?.painted > 0;
    this.editor.setPicture(picture);
    this.root.focus({ preventScroll: true });
    this.paintableMs = performance.now() - started;
    this.busy(picture ? null : "Preparing…");
    this.notify(detached ? "A new picture is open; the mask of the picture before it was detached." : null);
    this.sync.opening(file);
  }

  /** Hand a replay bundle to the page's own button for it. @param {File} file */
  openBundle(file) {
    const input = document.querySelector("#examples input[type=file]");
    if (!input) return this.sync.refuse("Replay bundles cannot be opened here, got a ZIP file.");
    const transfer = new DataTransfer();
    transfer.items.add(file);
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** Replace the mask by a picture of the same size. @param {File} file */
  async openMask(file) {
    if (!this.editor.picture) return;
    const { mask, picture } = this.editor;
    try {
      const read = await readMask(file);
      await this.editor.idle();
      if (mask !== this.editor.mask) return;
      const refused = maskRefusal(read, picture);
      if (refused) return this.sync.refuse(refused);
      this.editor.edited(mask.replace(read.data));
      this.notify(null);
    } catch {
      this.sync.refuse(`A mask must be a picture that this browser can read, got ${file.name}.`);
    }
  }

  /** @param {string} name a tool, button or shortcut @returns {boolean} whether anything knew it */
  act(name) {
    const own = {
      open: () => this.root.querySelector(".gc-picture-file").click(),
      "open-mask": () => this.root.querySelector(".gc-mask-file").click(),
      help: () => this.toolbar.toggleHelp(),
    };
    if (name === "escape") return this.input.cancel();
    if (!(name in own)) return this.editor.act(name);
    own[name]();
    return true;
  }

  /** Take over a border that a person gives beside the canvas, in numbers. */
  setBorder(border) {
    if (!this.editor.picture) return;
    this.editor.setBorder(border);
    this.editor.keepFrameVisible();
    this.sync.borderTyped();
  }

  /** Plain facts for tests and for the page. */
  state() {
    const { editor, sync } = this;
    const { picture, mask, view } = editor;
    return {
      width: picture?.width ?? 0,
      height: picture?.height ?? 0,
      zoom: view.scale,
      offset: [view.x, view.y],
      dpr: editor.scene.dpr,
      tool: editor.tool,
      options: { ...editor.options },
      border: { ...editor.border },
      box: editor.box,
      context: editor.context,
      maskSum: mask ? mask.data.reduce((sum, value) => sum + value, 0) : 0,
      painted: mask?.painted ?? 0,
      maskShown: editor.maskShown,
      whole: editor.whole,
      maskRev: mask?.revision ?? 0,
      undoDepth: mask?.history.undoSteps.length ?? 0,
      redoDepth: mask?.history.redoSteps.length ?? 0,
      undoBytes: mask?.history.bytes ?? 0,
      source: sync.source,
      opened: sync.opened,
      overlay: editor.overlay ? { ...editor.overlay.box } : null,
      uploads: sync.uploads,
      pending: sync.dirty,
      rev: this.updates.applied,
      preview: editor.preview.shown
        ? { step: editor.preview.shown.step, sum: editor.preview.shown.values.reduce((a, v) => a + v, 0) }
        : null,
      previewMs: editor.preview.milliseconds,
      paintableMs: this.paintableMs ?? 0,
      frameMs: [...editor.scene.frames],
    };
  }

  dispose() {
    this.aborter.abort();
    this.observer.disconnect();
    this.editor.setPicture(null);
  }
}

/** @param {object} host what gr.HTML injects, and `settings` from Python */
export function mount(host) {
  window.genimgCanvas?.dispose();
  const canvas = new MaskCanvas(host);
  window.genimgCanvas = {
    flush: () => canvas.sync.flush(),
    state: () => canvas.state(),
    act: (name) => canvas.act(name),
    setPreview: (grow, feather) => canvas.editor.preview.set(grow, feather),
    setBorder: (border) => canvas.setBorder(border),
    open: (file) => canvas.openPicture(file),
    dispose: () => canvas.dispose(),
  };
}
