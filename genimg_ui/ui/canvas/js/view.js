// Where the picture lies on the screen. Screen coordinates are device pixels of the stage.
//
// screen = picture × scale + offset. 100 % is one picture pixel on one device pixel.

const SCALE_MIN = 0.01;
const SCALE_MAX = 32;
const FIT_SHARE = 0.96; // of the stage that a fitted picture takes

export class View {
  constructor() {
    this.width = 0;
    this.height = 0;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.fitted = true;
  }

  /** @param {{left,top,right,bottom}} extent picture pixels to show whole @param {number} share */
  fit(extent, share = FIT_SHARE) {
    const w = extent.right - extent.left;
    const h = extent.bottom - extent.top;
    const scale = Math.min(this.width / w, this.height / h) * share;
    this.scale = Math.max(SCALE_MIN, Math.min(SCALE_MAX, scale));
    this.x = (this.width - w * this.scale) / 2 - extent.left * this.scale;
    this.y = (this.height - h * this.scale) / 2 - extent.top * this.scale;
    this.fitted = true;
  }

  /** Multiply the scale while the picture point under (px, py) stays there. */
  zoomAt(px, py, factor) {
    const scale = Math.max(SCALE_MIN, Math.min(SCALE_MAX, this.scale * factor));
    this.x = px - ((px - this.x) * scale) / this.scale;
    this.y = py - ((py - this.y) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
  }

  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
  }

  /** A new stage size; the centre of the stage keeps its picture point. */
  resize(width, height) {
    this.x += (width - this.width) / 2;
    this.y += (height - this.height) / 2;
    this.width = width;
    this.height = height;
  }

  /** @returns {number[]} picture coordinates */
  toPicture(px, py) {
    return [(px - this.x) / this.scale, (py - this.y) / this.scale];
  }

  /** @returns {number[]} device pixels of the stage */
  toScreen(x, y) {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  /** Part of a picture box that is on the stage, in whole picture pixels; null if none is. */
  visible(box) {
    const [left, top] = this.toPicture(0, 0);
    const [right, bottom] = this.toPicture(this.width, this.height);
    const seen = {
      left: Math.max(box.left, Math.floor(left)),
      top: Math.max(box.top, Math.floor(top)),
      right: Math.min(box.right, Math.ceil(right)),
      bottom: Math.min(box.bottom, Math.ceil(bottom)),
    };
    return seen.right > seen.left && seen.bottom > seen.top ? seen : null;
  }
}

/** Zoom and pan that carry two fingers from `was` to `now`. @param {number[][]} was @param {number[][]} now */
export function pinchView(view, was, now) {
  const middle = ([a, b]) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const spread = ([a, b]) => Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]));
  const from = middle(was);
  const to = middle(now);
  view.panBy(to[0] - from[0], to[1] - from[1]);
  view.zoomAt(to[0], to[1], spread(now) / spread(was));
}
