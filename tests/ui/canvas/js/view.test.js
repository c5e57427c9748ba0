import test from "node:test";
import assert from "node:assert/strict";
import { View, pinchView } from "../../../../genimg_ui/ui/canvas/js/view.js";
import { dragBorder, extentOf, handleAt } from "../../../../genimg_ui/ui/canvas/js/frame.js";
import { SHORTCUTS, keyAction, typesText } from "../../../../genimg_ui/ui/canvas/js/keys.js";
import { tintStep, averageCells } from "../../../../genimg_ui/ui/canvas/js/tint.js";

function stage(width = 800, height = 600) {
  const view = new View();
  view.resize(width, height);
  view.fit({ left: 0, top: 0, right: 400, bottom: 200 });
  return view;
}
const close = (a, b) => a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) < 1e-9, `${a} for ${b}`));

test("fit shows the whole extent in the middle", () => {
  const view = stage();
  close(view.toScreen(200, 100), [400, 300]);
  assert.ok(view.toScreen(0, 0)[0] >= 0 && view.toScreen(400, 200)[0] <= 800);
});

test("zoom keeps the point under the pointer, pan moves it, both stay invertible", () => {
  const view = stage();
  const before = view.toPicture(123, 456);
  view.zoomAt(123, 456, 3.7);
  close(view.toPicture(123, 456), before);
  view.panBy(11, -7);
  close(view.toPicture(134, 449), before);
  close(view.toScreen(...view.toPicture(5, 6)), [5, 6]);
});

test("the scale has limits", () => {
  const view = stage();
  view.zoomAt(0, 0, 1e9);
  assert.equal(view.scale, 32);
  view.zoomAt(0, 0, 1e-9);
  assert.equal(view.scale, 0.01);
});

test("a pinch keeps what lies under both fingers", () => {
  const view = stage();
  const was = [[300, 300], [500, 300]];
  const held = was.map((p) => view.toPicture(...p));
  const now = [[250, 350], [650, 350]];
  pinchView(view, was, now);
  now.forEach((p, i) => close(view.toPicture(...p), held[i]));
});

test("corner and side handles are found, corners first", () => {
  const extent = extentOf(400, 200, { left: 50, top: 0, right: 0, bottom: 0 });
  assert.deepEqual(handleAt(extent, -48, 2, 10).edges, ["left", "top"]);
  assert.deepEqual(handleAt(extent, 398, 199, 10).edges, ["right", "bottom"]);
  assert.deepEqual(handleAt(extent, -50, 60, 10).edges, ["left"]);
  assert.deepEqual(handleAt(extent, 90, 203, 10).edges, ["bottom"]);
  assert.equal(handleAt(extent, 100, 100, 10), null);
});

test("dragging an edge outward snaps to 8 pixels, inward stops at the picture", () => {
  const none = { left: 0, top: 0, right: 0, bottom: 0 };
  assert.deepEqual(dragBorder(none, ["right", "bottom"], [30, 21], true), {
    ...none,
    right: 32,
    bottom: 24,
  });
  assert.deepEqual(dragBorder(none, ["left"], [-30, 5], false), { ...none, left: 30 });
  assert.deepEqual(dragBorder({ ...none, top: 16 }, ["top"], [0, 90], true), none);
});

test("every shortcut of the help sheet does what it says", () => {
  const names = { Del: "Delete" };
  for (const { keys, act } of SHORTCUTS) {
    if (!act || keys.includes("Ctrl")) continue;
    const key = keys.replace("Shift + ", "");
    const event = { key: names[key] ?? key, shiftKey: key !== keys };
    assert.deepEqual(keyAction(event), { act }, keys);
  }
  assert.deepEqual(keyAction({ key: "z", ctrlKey: true }), { act: "undo" });
  assert.deepEqual(keyAction({ key: "Z", ctrlKey: true, shiftKey: true }), { act: "redo" });
  assert.deepEqual(keyAction({ key: "y", ctrlKey: true }), { act: "redo" });
  assert.deepEqual(keyAction({ key: "{", code: "BracketLeft", shiftKey: true }), { act: "hardness-down" });
  assert.deepEqual(keyAction({ key: " " }), { hold: "pan" });
  assert.deepEqual(keyAction({ key: "X" }), { hold: "erase" });
});

test("keys of the page stay with the page", () => {
  for (const event of [{ key: "Enter", ctrlKey: true }, { key: "b", ctrlKey: true }, { key: "Tab" }]) {
    assert.equal(keyAction(event), null);
  }
  assert.ok(typesText({ tagName: "TEXTAREA" }));
  assert.ok(typesText({ tagName: "INPUT", type: "number" }));
  assert.ok(!typesText({ tagName: "INPUT", type: "range" }));
});

test("the tint averages blocks, also those cut by the picture's edge", () => {
  assert.equal(tintStep(1), 1);
  assert.equal(tintStep(0.5), 2);
  assert.equal(tintStep(0.3), 2);
  const mask = { width: 3, height: 2, data: Uint8Array.from([0, 100, 80, 100, 200, 40]) };
  const cells = averageCells(mask, { left: 0, top: 0, width: 2, height: 1 }, 2);
  assert.deepEqual([...cells], [100, 60]);
});
