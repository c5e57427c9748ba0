// The state of the canvas and everything that a person can do with it, apart from input and network.

import { PaintedMask } from "./mask.js";
import { MaskPreview } from "./preview.js";
import { Scene } from "./scene.js";
import { View } from "./view.js";
import { NO_BORDER, extentOf } from "./frame.js";

export const TOOLS = ["brush", "eraser", "rectangle", "ellipse", "lasso", "frame", "context", "hand"];
export const SIZE_MAX = 2000; // brush diameter, picture pixels
const FRAME_SHARE = 0.72; // of the stage: leaves room to drag the frame outward
const FIRST_SIZE_SHARE = 0.05; // of the longer side: the brush that a new picture starts with
const STEP_UP = 1.2;
const IDLE_MS = 30;

const clampInt = (value, low, high) => Math.max(low, Math.min(high, Math.round(value)));

export class Editor extends EventTarget {
  /** @param {HTMLElement} stage */
  constructor(stage) {
    super();
    this.picture = null;
    this.mask = null;
    this.view = new View();
    this.tool = "brush";
    this.options = { size: 40, hardness: 90, strength: 100, pressure: true }; // px, %, %
    this.sizeChosen = false;
    this.held = { pan: false, erase: false };
    this.border = { ...NO_BORDER };
    this.box = null; // the context box drawn by hand
    this.context = null; // the one that results, as Python has it
    this.overlay = null;
    this.maskShown = true;
    this.whole = false; // the task repaints the whole picture: the mask rests
    this.hover = null; // device pixels
    this.shape = null; // the shape being dragged
    this.erasing = false;
    this.preview = new MaskPreview(
      () => (this.mask?.history.open ? null : this.mask),
      () => this.scene.redraw(),
    );
    this.scene = new Scene(stage, this);
  }

  get extent() {
    return extentOf(this.picture.width, this.picture.height, this.border);
  }

  tell(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Show another picture: the old mask is detached, the border goes. */
  setPicture(picture) {
    this.tell("interrupt");
    this.picture?.close();
    this.picture = picture;
    this.mask = picture ? new PaintedMask(picture.width, picture.height) : null;
    this.border = { ...NO_BORDER };
    this.box = null;
    this.context = null;
    this.#dropOverlay();
    this.shape = null;
    this.preview.shown = null;
    this.scene.tint.reset();
    if (picture && !this.sizeChosen) {
      const longer = Math.max(picture.width, picture.height);
      this.options.size = clampInt(longer * FIRST_SIZE_SHARE, 1, SIZE_MAX);
    }
    this.fit();
    picture?.addLevels().then(() => this.scene.redraw());
    this.tell("state");
  }

  setBorder(border) {
    this.border = { ...border };
    this.scene.redraw();
    this.tell("state");
  }

  setBox(box) {
    this.box = box ? { left: box.left, top: box.top, right: box.right, bottom: box.bottom } : null;
    this.scene.marks();
    this.tell("state");
  }

  clearBox() {
    if (!this.box) return;
    this.setBox(null);
    this.tell("context");
  }

  setContext(box) {
    this.context = box;
    this.scene.marks();
  }

  /** @param {{bitmap: ImageBitmap, box: object}|null} overlay drawn over a box of the picture */
  setOverlay(overlay) {
    this.#dropOverlay();
    this.overlay = overlay;
    this.scene.redraw();
  }

  #dropOverlay() {
    this.overlay?.bitmap.close();
    this.overlay = null;
  }

  setOption(name, value) {
    const limits = { size: [1, SIZE_MAX], hardness: [0, 100], strength: [1, 100] }[name];
    if (limits && !Number.isFinite(value)) return;
    this.options[name] = limits ? clampInt(value, ...limits) : Boolean(value);
    if (name === "size") this.sizeChosen = true;
    this.scene.marks();
    this.tell("state");
  }

  /** Resolves when no stroke is under way: pixels may be replaced. */
  async idle() {
    while (this.mask?.history.open) await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  }

  /** What a stroke or shape does to the pixels: grey towards which they move, and how far. */
  ink(erase) {
    const part = this.options.strength / 100;
    return erase ? { target: 0, flow: part } : { target: Math.max(1, Math.round(255 * part)), flow: 1 };
  }

  /** Boxes of tiles that a mask method returned: draw them, and tell that the mask was edited. */
  edited(boxes) {
    if (!boxes.length) return;
    for (const { x, y, w, h } of boxes) {
      this.scene.changed({ left: x, top: y, right: x + w, bottom: y + h });
    }
    this.preview.invalidate();
    this.tell("edited");
    this.tell("state");
  }

  resized() {
    const { fitted } = this.view;
    if (!this.scene.resize()) return;
    if (fitted) this.fit();
    this.scene.redraw();
  }

  fit() {
    if (this.picture) this.view.fit(this.extent, this.tool === "frame" ? FRAME_SHARE : undefined);
    this.moved();
  }

  /** Fit again if the frame left the stage. */
  keepFrameVisible() {
    const { view, extent } = this;
    const [x0, y0] = view.toScreen(extent.left, extent.top);
    const [x1, y1] = view.toScreen(extent.right, extent.bottom);
    if (x0 < 0 || y0 < 0 || x1 > view.width || y1 > view.height) this.fit();
  }

  zoomBy(factor) {
    this.view.zoomAt(this.view.width / 2, this.view.height / 2, factor);
    this.moved();
  }

  moved() {
    this.scene.redraw();
    this.tell("state");
  }

  setTool(tool) {
    const refit = this.picture && this.view.fitted && (tool === "frame") !== (this.tool === "frame");
    this.tool = tool;
    if (refit) this.fit();
    this.scene.marks();
    this.tell("state");
  }

  /** @param {boolean} whole whether the whole picture is repainted, whatever is painted */
  setWhole(whole) {
    this.whole = whole;
    this.tell("state");
  }

  toggleMask() {
    this.maskShown = !this.maskShown;
    this.moved();
  }

  /** Do what a button or a shortcut names. @returns {boolean} false if the name is not known here */
  act(name) {
    if (TOOLS.includes(name)) {
      this.setTool(name);
      return true;
    }
    const { options, mask } = this;
    const acts = {
      undo: () => mask && this.edited(mask.undo()),
      redo: () => mask && this.edited(mask.redo()),
      invert: () => mask && this.edited(mask.invert()),
      clear: () => mask && this.edited(mask.clear()),
      "clear-context": () => this.clearBox(),
      fit: () => this.fit(),
      actual: () => this.zoomBy(1 / this.view.scale),
      "zoom-in": () => this.zoomBy(STEP_UP),
      "zoom-out": () => this.zoomBy(1 / STEP_UP),
      "size-up": () => this.setOption("size", Math.max(options.size + 1, options.size * STEP_UP)),
      "size-down": () => this.setOption("size", Math.min(options.size - 1, options.size / STEP_UP)),
      "hardness-up": () => this.setOption("hardness", options.hardness + 10),
      "hardness-down": () => this.setOption("hardness", options.hardness - 10),
      "toggle-mask": () => this.toggleMask(),
      pressure: () => this.setOption("pressure", !options.pressure),
    };
    if (!(name in acts)) return false;
    if (mask?.stroke || this.shape) return true; // a gesture is under way
    acts[name]();
    return true;
  }
}
