import test from "node:test";
import assert from "node:assert/strict";
import {
  compositeMask,
  distanceTransform,
  growMask,
  maskProxy,
} from "../../../../genimg_ui/ui/canvas/js/distance.js";

import { PaintedMask } from "../../../../genimg_ui/ui/canvas/js/mask.js";

function randomSeeds(width, height, share, seed) {
  let state = seed;
  return Uint8Array.from({ length: width * height }, () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648 < share ? 200 : 0;
  });
}

test("distances are exact", () => {
  for (const [width, height, share] of [[17, 13, 0.05], [31, 8, 0.3], [9, 25, 0.01], [1, 7, 0.3]]) {
    const seeds = randomSeeds(width, height, share, width * height);
    const { squared, nearest } = distanceTransform(seeds, width, height);
    for (let i = 0; i < seeds.length; i++) {
      let best = Infinity;
      seeds.forEach((value, j) => {
        const dx = (i % width) - (j % width);
        const dy = Math.floor(i / width) - Math.floor(j / width);
        if (value) best = Math.min(best, dx * dx + dy * dy);
      });
      assert.equal(squared[i], best);
      if (best < Infinity) assert.ok(seeds[nearest[i]]);
    }
  }
});

test("growing is by Euclidean distance, keeps grey values, and shrinking spares the edge", () => {
  const dot = new Uint8Array(81);
  dot[40] = 90;
  const grown = growMask(dot, 9, 9, 2);
  assert.equal(grown.filter((v) => v === 90).length, 13);
  assert.equal(grown[40 + 2], 90);
  assert.equal(grown[40 + 2 + 9], 0); // sqrt 5 > 2
  const full = new Uint8Array(81).fill(255);
  assert.deepEqual(growMask(full, 9, 9, -3), full);
  full[0] = 0;
  const shrunk = growMask(full, 9, 9, -2);
  assert.equal(shrunk[2], 0);
  assert.equal(shrunk[3], 255);
});

test("the feather is a ramp inside the grown mask", () => {
  const line = Uint8Array.from([0, 0, 255, 255, 255, 255, 255, 255, 255, 0]);
  const feathered = compositeMask(line, 10, 1, { feather: 3 });
  assert.deepEqual([...feathered], [0, 0, 64, 128, 192, 255, 192, 128, 64, 0]);
  const atEdge = compositeMask(Uint8Array.from([255, 255, 255, 0]), 4, 1, { feather: 1 });
  assert.deepEqual([...atEdge], [255, 255, 128, 0]);
  assert.deepEqual([...compositeMask(line, 10, 1, {})], [...line]);
});

test("a proxy keeps thin strokes and scales distances", () => {
  const mask = new PaintedMask(40, 20);
  mask.fillShape({ kind: "rectangle", points: [[33, 7], [34, 8]] }, { target: 255 });
  const proxy = maskProxy(mask, 60);
  assert.deepEqual([proxy.step, proxy.width, proxy.height], [4, 10, 5]);
  assert.equal(proxy.data[1 * 10 + 8], 255);
  const grown = compositeMask(proxy.data, 10, 5, { grow: 8, step: 4 });
  assert.equal(grown.filter(Boolean).length, 11); // radius 2 cells: 13, two of them beyond the edge
});
