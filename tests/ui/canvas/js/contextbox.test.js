import test from "node:test";
import assert from "node:assert/strict";
import {
  ContextDrag,
  boxBetween,
  dragContext,
  gripAt,
  sameBox,
} from "../../../../genimg_ui/ui/canvas/js/contextbox.js";
import { keyAction } from "../../../../genimg_ui/ui/canvas/js/keys.js";

const EXTENT = { left: -20, top: 0, right: 300, bottom: 200 }; // 20 px of border at the left
const BOX = { left: 40, top: 30, right: 140, bottom: 90 };

test("a box is drawn in either direction, in whole pixels, and ends at the canvas", () => {
  assert.deepEqual(boxBetween([140.2, 89.5], [40.3, 30.1], EXTENT), BOX);
  assert.deepEqual(boxBetween([-50, -50], [400, 400], EXTENT), EXTENT);
  assert.equal(boxBetween([40, 30], [45, 90], EXTENT), null);
});

test("corners and sides are taken before the inside, and nothing beside the box", () => {
  assert.deepEqual(gripAt(BOX, 41, 31, 5).edges, ["left", "top"]);
  assert.deepEqual(gripAt(BOX, 139, 60, 5).edges, ["right"]);
  assert.equal(gripAt(BOX, 90, 60, 5).cursor, "move");
  assert.equal(gripAt(BOX, 200, 60, 5), null);
  assert.equal(gripAt(null, 90, 60, 5), null);
});

test("dragged edges stay on the canvas and never cross", () => {
  assert.deepEqual(dragContext(BOX, ["left", "top"], [-500, 7.4], EXTENT), { ...BOX, left: -20, top: 37 });
  assert.equal(dragContext(BOX, ["right"], [-500, 0], EXTENT).right, BOX.left + 8);
  assert.deepEqual(dragContext(BOX, ["left", "top", "right", "bottom"], [0, 999], EXTENT), {
    ...BOX,
    top: 140,
    bottom: 200,
  });
});

function editor(box) {
  return {
    box,
    extent: EXTENT,
    told: [],
    setBox(next) {
      this.box = next;
    },
    tell(name) {
      this.told.push(name);
    },
  };
}

test("a drag beside the box draws another, tells once, and can be taken back", () => {
  const drawn = editor(BOX);
  const drag = new ContextDrag(drawn, [200, 100], 5);
  drag.to([202, 101]);
  assert.ok(sameBox(drawn.box, BOX)); // still too small to be meant
  drag.to([260, 150]);
  assert.deepEqual(drawn.box, { left: 200, top: 100, right: 260, bottom: 150 });
  drag.end();
  assert.deepEqual(drawn.told, ["context"]);
  drag.cancel();
  assert.ok(sameBox(drawn.box, BOX));
});

test("a click changes nothing and tells nothing", () => {
  const drawn = editor(null);
  const drag = new ContextDrag(drawn, [200, 100], 5);
  drag.end();
  assert.equal(drawn.box, null);
  assert.deepEqual(drawn.told, []);
});

test("K takes the tool, Shift+K takes the box away", () => {
  assert.deepEqual(keyAction({ key: "k" }), { act: "context" });
  assert.deepEqual(keyAction({ key: "K", shiftKey: true }), { act: "clear-context" });
});
