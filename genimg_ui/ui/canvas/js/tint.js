// The mask as a red tint through which the picture shows: tiles at the resolution of the view.
// Tiles are for display alone; nothing is ever read back from them.

import { TILE } from "./history.js";

const TINT_RGB = (60 << 16) | (45 << 8) | 255; // #ff2d3c as little-endian blue, green, red
export const TINT_ALPHA = 0.5;
const TINT = Uint32Array.from(
  { length: 256 },
  (_, value) => ((Math.round(value * TINT_ALPHA) << 24) | TINT_RGB) >>> 0,
);

/** Pixels of the tint of grey values. @returns {ImageData} */
export function tintImage(values, width, height) {
  const image = new ImageData(width, height);
  const out = new Uint32Array(image.data.buffer);
  for (let i = 0; i < out.length; i++) out[i] = TINT[values[i]];
  return image;
}

/** Averages of step × step blocks of the mask, from cell (left, top). @returns {Uint8Array} */
export function averageCells(mask, { left, top, width, height }, step) {
  const cells = new Uint8Array(width * height);
  for (let cy = 0; cy < height; cy++) {
    const y0 = (top + cy) * step;
    const y1 = Math.min(mask.height, y0 + step);
    for (let cx = 0; cx < width; cx++) {
      const x0 = (left + cx) * step;
      const x1 = Math.min(mask.width, x0 + step);
      let sum = 0;
      for (let y = y0; y < y1; y++) {
        const row = y * mask.width;
        for (let x = x0; x < x1; x++) sum += mask.data[row + x];
      }
      const area = (x1 - x0) * (y1 - y0);
      if (area > 0) cells[cy * width + cx] = sum / area;
    }
  }
  return cells;
}

/** Mask pixels per tint pixel, a power of two, for a view of this scale. */
export function tintStep(scale) {
  let step = 1;
  while (step * 2 * scale <= 1) step *= 2;
  return step;
}

export class TintTiles {
  constructor() {
    this.step = 1;
    this.tiles = new Map();
  }

  reset() {
    this.tiles.clear();
  }

  /** A picture box whose pixels changed. */
  invalidate(box) {
    for (const tile of this.tiles.values()) {
      if (box.left >= tile.right || box.right <= tile.left) continue;
      if (box.top >= tile.bottom || box.bottom <= tile.top) continue;
      const d = tile.dirty;
      tile.dirty = {
        left: Math.max(tile.left, d ? Math.min(d.left, box.left) : box.left),
        top: Math.max(tile.top, d ? Math.min(d.top, box.top) : box.top),
        right: Math.min(tile.right, d ? Math.max(d.right, box.right) : box.right),
        bottom: Math.min(tile.bottom, d ? Math.max(d.bottom, box.bottom) : box.bottom),
      };
    }
  }

  /** Draw the tiles of a picture box; with `whole`, forget those outside it. */
  draw(context, view, mask, box, whole) {
    const step = tintStep(view.scale);
    if (step !== this.step) this.reset();
    this.step = step;
    const side = TILE * step;
    const used = new Set();
    for (let y = Math.floor(box.top / side) * side; y < box.bottom; y += side) {
      for (let x = Math.floor(box.left / side) * side; x < box.right; x += side) {
        const key = `${x},${y}`;
        used.add(key);
        if (this.#holds(mask, x, y, step)) this.#drawTile(context, view, this.#tile(mask, key, x, y));
        else this.tiles.delete(key);
      }
    }
    if (whole) for (const key of this.tiles.keys()) if (!used.has(key)) this.tiles.delete(key);
  }

  #holds(mask, x, y, step) {
    const column = x / TILE;
    const row = y / TILE;
    for (let r = row; r < Math.min(mask.rows, row + step); r++) {
      for (let c = column; c < Math.min(mask.columns, column + step); c++) {
        if (mask.mayHold(r * mask.columns + c)) return true;
      }
    }
    return false;
  }

  #tile(mask, key, x, y) {
    const side = TILE * this.step;
    let tile = this.tiles.get(key);
    if (!tile) {
      const right = Math.min(mask.width, x + side);
      const bottom = Math.min(mask.height, y + side);
      tile = { left: x, top: y, right, bottom };
      tile.dirty = { ...tile };
      tile.canvas = new OffscreenCanvas(
        Math.ceil((right - x) / this.step),
        Math.ceil((bottom - y) / this.step),
      );
      tile.context = tile.canvas.getContext("2d");
      this.tiles.set(key, tile);
    }
    if (tile.dirty) this.#render(mask, tile);
    return tile;
  }

  #render(mask, tile) {
    const left = Math.floor(tile.dirty.left / this.step);
    const top = Math.floor(tile.dirty.top / this.step);
    const width = Math.ceil(tile.dirty.right / this.step) - left;
    const height = Math.ceil(tile.dirty.bottom / this.step) - top;
    tile.dirty = null;
    if (width <= 0 || height <= 0) return;
    const cells = averageCells(mask, { left, top, width, height }, this.step);
    const image = tintImage(cells, width, height);
    tile.context.putImageData(image, left - tile.left / this.step, top - tile.top / this.step);
  }

  #drawTile(context, view, tile) {
    // Whole device pixels, so that neighbours meet without a seam.
    const [x0, y0] = view.toScreen(tile.left, tile.top).map(Math.round);
    const right = tile.left + tile.canvas.width * this.step;
    const bottom = tile.top + tile.canvas.height * this.step;
    const [x1, y1] = view.toScreen(right, bottom).map(Math.round);
    context.drawImage(tile.canvas, x0, y0, x1 - x0, y1 - y0);
  }
}
