// Draws three layers: picture, tint, and the marks above them. It reads the editor, never changes it.

import { TintTiles } from "./tint.js";
import { drawMarks } from "./marks.js";
import { hasBorder } from "./frame.js";

const CHECK = 8; // device pixels of one square under transparent pictures
const STRIPE = 8; // device pixels between the stripes of the outpaint area

function makePattern(context, side, draw) {
  const tile = new OffscreenCanvas(side, side);
  draw(tile.getContext("2d"));
  return context.createPattern(tile, "repeat");
}

export class Scene {
  /** @param {HTMLElement} stage @param {object} editor */
  constructor(stage, editor) {
    this.stage = stage;
    this.editor = editor;
    this.tint = new TintTiles();
    this.contexts = {};
    for (const name of ["picture", "tint", "marks"]) {
      this.contexts[name] = stage.querySelector(`.gc-${name}`).getContext("2d");
    }
    this.all = true;
    this.dirty = null;
    this.frame = 0;
    this.frames = []; // milliseconds of script per frame, the latest 240
    this.#makePatterns();
  }

  #makePatterns() {
    const { picture } = this.contexts;
    this.checks = makePattern(picture, 2 * CHECK, (c) => {
      c.fillStyle = "#fff";
      c.fillRect(0, 0, 2 * CHECK, 2 * CHECK);
      c.fillStyle = "#d4d4d4";
      c.fillRect(0, 0, CHECK, CHECK);
      c.fillRect(CHECK, CHECK, CHECK, CHECK);
    });
    this.stripes = makePattern(picture, STRIPE, (c) => {
      c.fillStyle = "rgba(255, 45, 60, 0.16)";
      c.fillRect(0, 0, STRIPE, STRIPE);
      c.strokeStyle = "rgba(255, 45, 60, 0.4)";
      c.beginPath();
      for (const shift of [-STRIPE, 0, STRIPE]) {
        c.moveTo(shift, STRIPE);
        c.lineTo(shift + STRIPE, 0);
      }
      c.stroke();
    });
  }

  /** Fit the layers to the stage. @returns {boolean} false while the stage has no size */
  resize() {
    const { clientWidth, clientHeight } = this.stage;
    if (!clientWidth || !clientHeight) return false;
    const dpr = window.devicePixelRatio || 1;
    this.dpr = dpr;
    const width = Math.round(clientWidth * dpr);
    const height = Math.round(clientHeight * dpr);
    for (const { canvas } of Object.values(this.contexts)) {
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
    }
    this.editor.view.resize(width, height);
    return true;
  }

  redraw() {
    this.all = true;
    this.#soon();
  }

  /** Mask pixels of a picture box changed. */
  changed(box) {
    this.tint.invalidate(box);
    const d = this.dirty;
    this.dirty = d
      ? {
          left: Math.min(d.left, box.left),
          top: Math.min(d.top, box.top),
          right: Math.max(d.right, box.right),
          bottom: Math.max(d.bottom, box.bottom),
        }
      : { ...box };
    this.#soon();
  }

  marks() {
    this.#soon();
  }

  #soon() {
    if (!this.frame) this.frame = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const started = performance.now();
    this.frame = 0;
    if (this.all) {
      this.#drawPicture();
      this.#drawTint(null);
    } else if (this.dirty) {
      this.#drawTint(this.dirty);
    }
    this.all = false;
    this.dirty = null;
    const { marks } = this.contexts;
    marks.clearRect(0, 0, marks.canvas.width, marks.canvas.height);
    if (this.editor.picture) drawMarks(marks, this.editor, this.dpr);
    this.frames.push(performance.now() - started);
    if (this.frames.length > 240) this.frames.shift();
  }

  #drawPicture() {
    const context = this.contexts.picture;
    const { picture, view, border } = this.editor;
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    if (!picture) return;
    const fill = (box, style) => {
      const [x, y] = view.toScreen(box.left, box.top);
      context.fillStyle = style;
      context.fillRect(x, y, (box.right - box.left) * view.scale, (box.bottom - box.top) * view.scale);
    };
    if (hasBorder(border)) fill(this.editor.extent, this.stripes);
    const [x, y] = view.toScreen(0, 0);
    context.clearRect(x, y, picture.width * view.scale, picture.height * view.scale);
    fill({ left: 0, top: 0, right: picture.width, bottom: picture.height }, this.checks);
    picture.draw(context, view);
    this.#drawOverlay(context);
  }

  #drawOverlay(context) {
    const { overlay, view } = this.editor;
    if (!overlay) return;
    const { left, top, right, bottom } = overlay.box;
    const [x, y] = view.toScreen(left, top);
    context.imageSmoothingEnabled = view.scale < 3;
    context.drawImage(overlay.bitmap, x, y, (right - left) * view.scale, (bottom - top) * view.scale);
  }

  #drawTint(dirty) {
    const context = this.contexts.tint;
    const { canvas } = context;
    const { mask, view, preview, maskShown } = this.editor;
    if (!dirty || !mask || !maskShown || preview.shown) {
      context.clearRect(0, 0, canvas.width, canvas.height);
    }
    if (!mask || !maskShown) return;
    if (preview.shown) return preview.draw(context, view);
    const whole = { left: 0, top: 0, right: mask.width, bottom: mask.height };
    const seen = view.visible(whole);
    if (!seen) return;
    context.imageSmoothingEnabled = view.scale < 1;
    if (!dirty) return this.tint.draw(context, view, mask, seen, true);
    this.#drawTintPart(context, dirty, seen);
  }

  #drawTintPart(context, dirty, seen) {
    const { view, mask } = this.editor;
    const part = {
      left: Math.max(seen.left, dirty.left),
      top: Math.max(seen.top, dirty.top),
      right: Math.min(seen.right, dirty.right),
      bottom: Math.min(seen.bottom, dirty.bottom),
    };
    if (part.right <= part.left || part.bottom <= part.top) return;
    // One tint pixel more on each side: smoothing reaches over to the neighbours.
    const rim = 2 * this.tint.step * Math.max(1, view.scale);
    const [x0, y0] = view.toScreen(part.left, part.top).map((v) => Math.floor(v - rim));
    const [x1, y1] = view.toScreen(part.right, part.bottom).map((v) => Math.ceil(v + rim));
    context.save();
    context.beginPath();
    context.rect(x0, y0, x1 - x0, y1 - y0);
    context.clip();
    context.clearRect(x0, y0, x1 - x0, y1 - y0);
    const [left, top] = view.toPicture(x0, y0);
    const [right, bottom] = view.toPicture(x1, y1);
    const box = {
      left: Math.max(seen.left, Math.floor(left)),
      top: Math.max(seen.top, Math.floor(top)),
      right: Math.min(seen.right, Math.ceil(right)),
      bottom: Math.min(seen.bottom, Math.ceil(bottom)),
    };
    this.tint.draw(context, view, mask, box, false);
    context.restore();
  }
}
