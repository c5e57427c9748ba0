import test from "node:test";
import assert from "node:assert/strict";
import { blend, brushProfile, coverAt, shapeBox, shapeRows } from "../../../../genimg_ui/ui/canvas/js/raster.js";

function rendered(shape, width, height) {
  const box = shapeBox(shape, width, height);
  const grid = Array.from({ length: height }, () => new Array(width).fill(0));
  shapeRows(shape, box, (y, row) => row.forEach((value, i) => (grid[y][box.left + i] = value)));
  return grid;
}
const sum = (grid) => grid.flat().reduce((a, v) => a + v, 0) / 255;

test("a hard brush is full inside, antialiased over one pixel, empty outside", () => {
  const profile = brushProfile(10, 1);
  assert.equal(coverAt(profile, 9.5), 255);
  assert.equal(coverAt(profile, 10), 128);
  assert.equal(coverAt(profile, 10.5), 0);
});

test("hardness moves the plateau, the coverage falls without a rise", () => {
  const soft = brushProfile(10, 0.3);
  assert.equal(coverAt(soft, 3), 255);
  assert.equal(coverAt(soft, 6.5), 128);
  assert.equal(coverAt(soft, 10), 0);
  for (let d = 0; d < 10; d += 0.1) assert.ok(coverAt(soft, d) >= coverAt(soft, d + 0.1));
});

test("blend reaches target and start exactly", () => {
  for (const [a, b] of [[0, 255], [255, 0], [17, 200]]) {
    assert.equal(blend(a, b, 255), b);
    assert.equal(blend(a, b, 0), a);
  }
});

test("a rectangle covers whole pixels, whichever corner the drag began at", () => {
  const expected = [
    [0, 0, 0, 0],
    [0, 255, 255, 0],
    [0, 255, 255, 0],
  ];
  for (const points of [[[1, 1], [3, 3]], [[3, 3], [1, 1]], [[2.9, 1.2], [1.4, 9]]]) {
    assert.deepEqual(rendered({ kind: "rectangle", points }, 4, 3), expected);
  }
});

test("an ellipse has its area and its symmetry", () => {
  const grid = rendered({ kind: "ellipse", points: [[2, 4], [62, 44]] }, 64, 48);
  const area = Math.PI * 30 * 20;
  assert.ok(Math.abs(sum(grid) - area) / area < 0.005, `${sum(grid)} for ${area}`);
  for (let y = 4; y < 44; y++) {
    for (let x = 2; x < 62; x++) {
      assert.equal(grid[y][x], grid[47 - y][x]);
      assert.equal(grid[y][x], grid[y][63 - x]);
    }
  }
});

test("a lasso closes itself, has its area, and a loop in it leaves no hole", () => {
  const triangle = { kind: "lasso", points: [[0, 0], [40, 0], [0, 40]] };
  assert.ok(Math.abs(sum(rendered(triangle, 48, 48)) - 800) < 8);
  const square = [[4, 4], [24, 4], [24, 24], [4, 24]];
  const twice = { kind: "lasso", points: [...square, ...square] };
  assert.equal(sum(rendered(twice, 32, 32)), 400);
});

test("a lasso beyond the picture is cut at its edge", () => {
  const shape = { kind: "lasso", points: [[-10, -10], [10, -10], [10, 10], [-10, 10]] };
  assert.equal(sum(rendered(shape, 32, 32)), 100);
});
