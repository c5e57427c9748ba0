// Exact Euclidean distances on a grid, and the composite mask that the server will compute.
//
// Two passes after Felzenszwalb & Huttenlocher (2012), "Distance transforms of sampled functions":
// columns, then the lower envelope of parabolas along each row. The picture's edge is no boundary.

import { tileBox } from "./history.js";

const FAR = 1e9; // larger than any column distance, small enough that its square stays exact enough

/** Column pass: distance to the nearest seed of the same column, and that seed's row. */
function columnPass(seeds, width, height) {
  const distance = new Float64Array(width * height).fill(FAR);
  const row = new Int32Array(width * height).fill(-1);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (seeds[at]) row[at] = y;
      else if (y) row[at] = row[at - width];
      if (row[at] >= 0) distance[at] = y - row[at];
    }
  }
  for (let y = height - 2; y >= 0; y--) {
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const below = distance[at + width] + 1;
      if (below >= distance[at]) continue;
      distance[at] = below;
      row[at] = row[at + width];
    }
  }
  return { distance, row };
}

/**
 * Squared distance of each pixel to the nearest seed, and that seed's index.
 * @param {Uint8Array} seeds non-zero = seed
 * @returns {{squared: Float64Array, nearest: Int32Array}} squared is Infinity where there is no seed
 */
export function distanceTransform(seeds, width, height) {
  const { distance, row } = columnPass(seeds, width, height);
  const squared = new Float64Array(width * height);
  const nearest = new Int32Array(width * height);
  const apex = new Int32Array(width); // columns whose parabola is on the envelope
  const from = new Float64Array(width + 1); // where each begins
  for (let y = 0; y < height; y++) {
    const base = y * width;
    let top = -1;
    for (let x = 0; x < width; x++) {
      const d = distance[base + x];
      if (d === FAR) continue;
      let start = -Infinity;
      while (top >= 0) {
        const p = apex[top];
        const e = distance[base + p];
        start = (d * d - e * e + x * x - p * p) / (2 * (x - p));
        if (start > from[top]) break;
        top--;
        start = -Infinity;
      }
      top++;
      apex[top] = x;
      from[top] = start;
    }
    fillRow({ base, width, top, apex, from, distance, row, squared, nearest });
  }
  return { squared, nearest };
}

function fillRow({ base, width, top, apex, from, distance, row, squared, nearest }) {
  if (top < 0) {
    squared.fill(Infinity, base, base + width);
    nearest.fill(-1, base, base + width);
    return;
  }
  let k = 0;
  for (let x = 0; x < width; x++) {
    while (k < top && from[k + 1] < x) k++;
    const p = apex[k];
    const d = distance[base + p];
    squared[base + x] = (x - p) * (x - p) + d * d;
    nearest[base + x] = row[base + p] * width + p;
  }
}

/** Values after growing by `grow` pixels (negative shrinks); new pixels take their nearest's value. */
export function growMask(mask, width, height, grow) {
  if (grow === 0) return mask.slice();
  const grown = new Uint8Array(mask.length);
  const limit = grow * grow;
  if (grow > 0) {
    const { squared, nearest } = distanceTransform(mask, width, height);
    for (let i = 0; i < mask.length; i++) if (squared[i] <= limit) grown[i] = mask[nearest[i]];
    return grown;
  }
  const outside = mask.map((value) => (value ? 0 : 1));
  const { squared } = distanceTransform(outside, width, height);
  for (let i = 0; i < mask.length; i++) if (squared[i] > limit) grown[i] = mask[i];
  return grown;
}

/**
 * The composite mask: grown, then a linear ramp of `feather` pixels inside it,
 * alpha = min(1, distance inside / (feather + 1)).
 * @param {number} step picture pixels per mask pixel, when `mask` is a proxy
 * @returns {Uint8Array}
 */
export function compositeMask(mask, width, height, { grow = 0, feather = 0, step = 1 }) {
  const grown = growMask(mask, width, height, grow / step);
  if (feather <= 0) return grown;
  const outside = grown.map((value) => (value ? 0 : 1));
  const { squared } = distanceTransform(outside, width, height);
  for (let i = 0; i < grown.length; i++) {
    if (!grown[i]) continue;
    const alpha = Math.min(1, (Math.sqrt(squared[i]) * step) / (feather + 1));
    grown[i] = Math.ceil(grown[i] * alpha); // a painted pixel stays above 0
  }
  return grown;
}

/**
 * A proxy of at most `maxPixels`, each pixel the largest of a step × step block (thin strokes stay).
 * @param {object} mask a PaintedMask; its empty tiles are not read
 * @returns {{data: Uint8Array, width: number, height: number, step: number}}
 */
export function maskProxy(mask, maxPixels) {
  const { width, height, data } = mask;
  const step = Math.max(1, Math.ceil(Math.sqrt((width * height) / maxPixels)));
  if (step === 1) return { data, width, height, step };
  const small = { width: Math.ceil(width / step), height: Math.ceil(height / step), step };
  small.data = new Uint8Array(small.width * small.height);
  mask.counts.forEach((count, index) => {
    if (count) shrinkTile(data, width, tileBox(mask, index), small);
  });
  return small;
}

function shrinkTile(data, width, { x, y, w, h }, small) {
  const { step } = small;
  for (let row = y; row < y + h; row++) {
    const to = Math.floor(row / step) * small.width;
    for (let column = x, at = row * width + x; column < x + w; column++, at++) {
      if (!data[at]) continue;
      const cell = to + Math.floor(column / step);
      if (data[at] > small.data[cell]) small.data[cell] = data[at];
    }
  }
}
