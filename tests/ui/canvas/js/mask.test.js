import test from "node:test";
import assert from "node:assert/strict";
import { PaintedMask } from "../../../../genimg_ui/ui/canvas/js/mask.js";

const INK = { target: 255, flow: 1 };
const total = (mask) => mask.data.reduce((a, v) => a + v, 0);
const at = (mask, x, y) => mask.data[y * mask.width + x];
const rectangle = (x0, y0, x1, y1) => ({ kind: "rectangle", points: [[x0, y0], [x1, y1]] });

function stroke(mask, points, { ink = INK, radius = 20, hardness = 1 } = {}) {
  mask.beginStroke(ink);
  points.forEach(([bx, by], i) => {
    const [ax, ay] = points[Math.max(0, i - 1)];
    mask.paintSegment({ ax, ay, bx, by }, radius, hardness);
  });
  return mask.endStroke();
}

test("a dab has the area of its disc, across tile borders", () => {
  const mask = new PaintedMask(600, 600);
  stroke(mask, [[256, 256]], { radius: 50 });
  const area = Math.PI * 2500;
  assert.ok(Math.abs(total(mask) / 255 - area) / area < 0.002);
});

test("a stroke over itself adds nothing, two strokes of soft edge do", () => {
  const once = new PaintedMask(300, 300);
  stroke(once, [[50, 150], [250, 150]], { hardness: 0 });
  const back = new PaintedMask(300, 300);
  stroke(back, [[50, 150], [250, 150], [50, 150]], { hardness: 0 });
  assert.deepEqual(back.data, once.data);
  stroke(back, [[50, 150], [250, 150]], { hardness: 0 });
  assert.ok(total(back) > total(once));
});

test("partial strength paints grey, over white too; the eraser takes its part away", () => {
  const mask = new PaintedMask(100, 100);
  mask.fillShape(rectangle(0, 0, 100, 100), INK);
  stroke(mask, [[50, 50]], { ink: { target: 128, flow: 1 } });
  assert.equal(at(mask, 50, 50), 128);
  assert.equal(at(mask, 5, 5), 255);
  stroke(mask, [[5, 5]], { ink: { target: 0, flow: 0.5 }, radius: 4 });
  assert.equal(at(mask, 5, 5), 128); // half of 255, rounded up
  stroke(mask, [[50, 50]], { ink: { target: 0, flow: 1 } });
  assert.equal(at(mask, 50, 50), 0);
});

test("undo and redo give back identical bytes, and the count of painted pixels", () => {
  const mask = new PaintedMask(700, 300);
  const seen = [mask.data.slice()];
  const steps = [
    () => stroke(mask, [[30, 30], [600, 200]]),
    () => mask.fillShape({ kind: "ellipse", points: [[100, 20], [400, 250]] }, INK),
    () => mask.invert(),
    () => mask.clear(),
  ];
  for (const step of steps) {
    step();
    seen.push(mask.data.slice());
  }
  for (let i = steps.length - 1; i >= 0; i--) {
    mask.undo();
    assert.deepEqual(mask.data, seen[i]);
    assert.equal(mask.painted, seen[i].filter(Boolean).length);
  }
  for (let i = 1; i <= steps.length; i++) {
    mask.redo();
    assert.deepEqual(mask.data, seen[i]);
  }
  assert.deepEqual(mask.redo(), []);
});

test("a cancelled stroke leaves no pixel and no step", () => {
  const mask = new PaintedMask(300, 300);
  mask.beginStroke(INK);
  mask.paintSegment({ ax: 10, ay: 10, bx: 290, by: 290 }, 30, 1);
  assert.ok(total(mask) > 0);
  mask.cancelStroke();
  assert.equal(total(mask), 0);
  assert.equal(mask.history.undoSteps.length, 0);
  assert.equal(mask.revision, 0);
});

test("an edit that changes nothing is no step", () => {
  const mask = new PaintedMask(50, 50);
  assert.deepEqual(mask.clear(), []);
  assert.equal(mask.history.undoSteps.length, 0);
});

test("undo memory stays under its cap, and one step always remains", () => {
  const mask = new PaintedMask(512, 512, 200_000);
  const noise = (seed) => Uint8Array.from({ length: 512 * 512 }, (_, i) => (i * seed) % 251);
  for (let seed = 3; seed < 9; seed++) mask.replace(noise(seed));
  assert.equal(mask.history.undoSteps.length, 1);
  const flat = new PaintedMask(512, 512, 200_000);
  for (let i = 0; i < 20; i++) flat.invert();
  assert.equal(flat.history.undoSteps.length, 20); // tiles of one value cost next to nothing
  assert.ok(flat.history.bytes < 10_000);
});

test("a new edit drops what could be redone", () => {
  const mask = new PaintedMask(50, 50);
  mask.invert();
  mask.undo();
  mask.fillShape(rectangle(0, 0, 5, 5), INK);
  assert.deepEqual(mask.redo(), []);
});

test("a mask of another size is refused", () => {
  assert.throws(() => new PaintedMask(4, 4).replace(new Uint8Array(9)), /16 bytes, got 9/);
});

test("a picture of one pixel can be painted", () => {
  const mask = new PaintedMask(1, 1);
  stroke(mask, [[0.5, 0.5]], { radius: 5 });
  assert.deepEqual([...mask.data], [255]);
});
