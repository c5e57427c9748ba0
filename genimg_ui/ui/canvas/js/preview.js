// The composite mask (grown and feathered) as it will be used, computed on a proxy while nobody
// paints. It is a picture of what the server does; the server computes the real one.

import { compositeMask, maskProxy } from "./distance.js";
import { tintImage } from "./tint.js";

const PROXY_PIXELS = 1_000_000;
const WAIT_MS = 120;

export class MaskPreview {
  /** @param {() => object|null} mask the painted mask, null while a stroke is open @param {() => void} ready */
  constructor(mask, ready) {
    this.mask = mask;
    this.ready = ready;
    this.grow = 0;
    this.feather = 0;
    this.shown = null;
    this.timer = 0;
    this.milliseconds = 0;
  }

  get wanted() {
    return this.grow !== 0 || this.feather > 0;
  }

  /** @param {number} grow pixels, negative shrinks @param {number} feather pixels */
  set(grow, feather) {
    if (grow === this.grow && feather === this.feather) return;
    this.grow = grow;
    this.feather = feather;
    this.#later();
    if (!this.wanted) this.hide();
  }

  /** Show the painted mask for now. */
  hide() {
    if (!this.shown) return;
    this.shown = null;
    this.ready();
  }

  /** The mask changed: show the painted one until the new composite is there. */
  invalidate() {
    this.hide();
    this.#later();
  }

  #later() {
    clearTimeout(this.timer);
    if (this.wanted) this.timer = setTimeout(() => this.compute(), WAIT_MS);
  }

  compute() {
    const mask = this.mask();
    if (!this.wanted) return;
    if (!mask) return this.#later();
    const started = performance.now();
    const proxy = maskProxy(mask, PROXY_PIXELS);
    const { width, height, step } = proxy;
    const values = compositeMask(proxy.data, width, height, {
      grow: this.grow,
      feather: this.feather,
      step,
    });
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d").putImageData(tintImage(values, width, height), 0, 0);
    this.shown = { canvas, values, width, height, step };
    this.milliseconds = performance.now() - started;
    this.ready();
  }

  draw(context, view) {
    const { canvas, step } = this.shown;
    const [x0, y0] = view.toScreen(0, 0);
    context.drawImage(canvas, x0, y0, canvas.width * step * view.scale, canvas.height * step * view.scale);
  }
}
