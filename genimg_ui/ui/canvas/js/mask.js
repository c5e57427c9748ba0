// The painted mask: the one truth that is shown, sent and undone.
//
// data: Uint8Array, width × height, row-major, 255 = repaint, 0 = locked, between = partial strength.
// Every method that changes pixels returns the boxes of the tiles that changed (picture pixels).

import { TILE, TileHistory, tileBox, tilesIn } from "./history.js";
import { blend, brushProfile, coverTile, segmentDistance, shapeBox, shapeRows } from "./raster.js";

const UNDO_BYTES = 256 * 1024 * 1024;
const HALF_DIAGONAL = TILE * 0.7072; // a tile's corner is at most this far from its centre

export class PaintedMask {
  /** @param {number} width @param {number} height pixels of the picture */
  constructor(width, height, undoBytes = UNDO_BYTES) {
    this.width = width;
    this.height = height;
    this.columns = Math.ceil(width / TILE);
    this.rows = Math.ceil(height / TILE);
    this.data = new Uint8Array(width * height);
    this.counts = new Uint32Array(this.columns * this.rows); // pixels above 0, by tile
    this.painted = 0; // pixels above 0
    this.revision = 0;
    this.history = new TileHistory(this, undoBytes);
    this.stroke = null;
  }

  /** Start a stroke: pixels move from what they were towards `target` by the coverage × `flow`. */
  beginStroke({ target, flow = 1 }) {
    this.history.begin();
    this.stroke = { target, flow, cover: new Map() };
  }

  /**
   * Extend the stroke by a segment of constant radius.
   * @param {{ax,ay,bx,by}} segment picture pixels @param {number} radius @param {number} hardness 0..1
   * @returns {{left,top,right,bottom}} the box that may have changed
   */
  paintSegment(segment, radius, hardness) {
    const profile = brushProfile(radius, hardness);
    const reach = profile.outer;
    const box = {
      left: Math.floor(Math.min(segment.ax, segment.bx) - reach),
      top: Math.floor(Math.min(segment.ay, segment.by) - reach),
      right: Math.ceil(Math.max(segment.ax, segment.bx) + reach),
      bottom: Math.ceil(Math.max(segment.ay, segment.by) + reach),
    };
    for (const index of tilesIn(this, box)) this.#paintTile(index, segment, profile);
    return box;
  }

  #paintTile(index, segment, profile) {
    const box = tileBox(this, index);
    const centre = segmentDistance(box.x + TILE / 2, box.y + TILE / 2, segment);
    if (centre > profile.outer + HALF_DIAGONAL) return;
    const { target, flow, cover } = this.stroke;
    let covered = cover.get(index);
    if (!covered) {
      covered = new Uint8Array(box.w * box.h);
      cover.set(index, covered);
    }
    const before = this.history.touch(index);
    const { data, width } = this;
    coverTile(covered, box, segment, profile, (offset, value) => {
      const y = Math.floor(offset / box.w);
      data[(box.y + y) * width + box.x + offset - y * box.w] = blend(
        before[offset],
        target,
        value * flow,
      );
    });
  }

  endStroke() {
    this.stroke = null;
    return this.#settle(this.history.commit());
  }

  /** Take back the stroke that is being painted; it leaves no undo step. */
  cancelStroke() {
    if (!this.stroke) return [];
    this.stroke = null;
    return this.history.rollback().map((index) => tileBox(this, index));
  }

  /** Fill a rectangle, ellipse or lasso. @param {{kind,points}} shape */
  fillShape(shape, { target, flow = 1 }) {
    const box = shapeBox(shape, this.width, this.height);
    return this.#change(tilesIn(this, box), () => {
      shapeRows(shape, box, (y, row) => {
        const at = y * this.width + box.left;
        for (let i = 0; i < row.length; i++) {
          if (row[i]) this.data[at + i] = blend(this.data[at + i], target, row[i] * flow);
        }
      });
    });
  }

  invert() {
    const { data } = this;
    return this.#changeAll(() => {
      for (let i = 0; i < data.length; i++) data[i] = 255 - data[i];
    });
  }

  clear() {
    return this.#changeAll(() => this.data.fill(0));
  }

  /** Replace all pixels. @param {Uint8Array} pixels width × height bytes */
  replace(pixels) {
    if (pixels.length !== this.data.length) {
      throw new RangeError(`a mask must have ${this.data.length} bytes, got ${pixels.length}`);
    }
    return this.#changeAll(() => this.data.set(pixels));
  }

  undo() {
    return this.#settle(this.history.undo());
  }

  redo() {
    return this.#settle(this.history.redo());
  }

  /** True where tile `index` may hold a painted pixel. */
  mayHold(index) {
    return this.counts[index] > 0 || Boolean(this.history.open?.has(index));
  }

  #changeAll(work) {
    return this.#change(tilesIn(this, { left: 0, top: 0, right: this.width, bottom: this.height }), work);
  }

  #change(tiles, work) {
    this.history.begin();
    for (const index of tiles) this.history.touch(index);
    work();
    return this.#settle(this.history.commit());
  }

  #settle(tiles) {
    if (tiles.length) this.revision++;
    return tiles.map((index) => {
      const box = tileBox(this, index);
      const count = this.#count(box);
      this.painted += count - this.counts[index];
      this.counts[index] = count;
      return box;
    });
  }

  #count({ x, y, w, h }) {
    let count = 0;
    for (let row = y; row < y + h; row++) {
      const at = row * this.width + x;
      for (let i = at; i < at + w; i++) if (this.data[i]) count++;
    }
    return count;
  }
}
