// The context box that a person draws: what the engine will see, in whole picture pixels, within the
// picture and its border.

import { handleAt } from "./frame.js";

const BOX_MIN = 8; // picture pixels of a side: less is a slip of the hand

const clampTo = (value, low, high) => Math.max(low, Math.min(high, value));

/**
 * The box between two picture points, in either order.
 * @param {[number,number]} a @param {[number,number]} b @param {{left,top,right,bottom}} extent
 * @returns {{left,top,right,bottom}|null} null where it is too small to be meant
 */
export function boxBetween([x0, y0], [x1, y1], extent) {
  const box = {
    left: clampTo(Math.round(Math.min(x0, x1)), extent.left, extent.right),
    top: clampTo(Math.round(Math.min(y0, y1)), extent.top, extent.bottom),
    right: clampTo(Math.round(Math.max(x0, x1)), extent.left, extent.right),
    bottom: clampTo(Math.round(Math.max(y0, y1)), extent.top, extent.bottom),
  };
  return box.right - box.left < BOX_MIN || box.bottom - box.top < BOX_MIN ? null : box;
}

/**
 * What is taken hold of at a picture point: some edges, or the whole box inside; null beside it.
 * @param {number} reach picture pixels
 */
export function gripAt(box, x, y, reach) {
  if (!box) return null;
  const handle = handleAt(box, x, y, reach);
  if (handle) return handle;
  const inside = x > box.left && x < box.right && y > box.top && y < box.bottom;
  return inside ? { edges: ["left", "top", "right", "bottom"], cursor: "move" } : null;
}

/** The box after some edges (all: the box) were dragged by (dx, dy) picture pixels. */
export function dragContext(box, edges, [dx, dy], extent) {
  let [x, y] = [Math.round(dx), Math.round(dy)];
  if (edges.length === 4) {
    x = clampTo(x, extent.left - box.left, extent.right - box.right);
    y = clampTo(y, extent.top - box.top, extent.bottom - box.bottom);
    return { left: box.left + x, top: box.top + y, right: box.right + x, bottom: box.bottom + y };
  }
  const moved = { ...box };
  if (edges.includes("left")) moved.left = clampTo(box.left + x, extent.left, box.right - BOX_MIN);
  if (edges.includes("top")) moved.top = clampTo(box.top + y, extent.top, box.bottom - BOX_MIN);
  if (edges.includes("right")) moved.right = clampTo(box.right + x, box.left + BOX_MIN, extent.right);
  if (edges.includes("bottom")) moved.bottom = clampTo(box.bottom + y, box.top + BOX_MIN, extent.bottom);
  return moved;
}

export const sameBox = (a, b) =>
  a === b ||
  Boolean(a && b && ["left", "top", "right", "bottom"].every((edge) => a[edge] === b[edge]));

/** One drag with the context tool: draws a new box, or moves the old one or its edges. */
export class ContextDrag {
  /** @param {object} editor @param {[number,number]} start picture point @param {number} reach */
  constructor(editor, start, reach) {
    this.editor = editor;
    this.start = start;
    this.was = editor.box;
    this.grip = gripAt(editor.box, ...start, reach);
  }

  to(point) {
    const { editor, start, was, grip } = this;
    const delta = [point[0] - start[0], point[1] - start[1]];
    const { extent } = editor;
    editor.setBox(grip ? dragContext(was, grip.edges, delta, extent) : (boxBetween(start, point, extent) ?? was));
  }

  end() {
    if (!sameBox(this.editor.box, this.was)) this.editor.tell("context");
  }

  cancel() {
    this.editor.setBox(this.was);
  }
}
