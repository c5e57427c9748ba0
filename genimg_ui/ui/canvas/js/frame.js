// The outpaint frame: how far each edge is dragged outward, in picture pixels; never negative.

export const NO_BORDER = Object.freeze({ left: 0, top: 0, right: 0, bottom: 0 });
export const SNAP = 8; // picture pixels; the latent cell of most diffusion models
const BORDER_MAX = 16384;

/** @returns {{left,top,right,bottom}} the picture with its border, in picture coordinates */
export function extentOf(width, height, border) {
  return {
    left: -border.left,
    top: -border.top,
    right: width + border.right,
    bottom: height + border.bottom,
  };
}

/** The eight handles: which edges each one drags, and where it sits. */
export function frameHandles(extent) {
  const cx = (extent.left + extent.right) / 2;
  const cy = (extent.top + extent.bottom) / 2;
  return [
    { edges: ["left", "top"], x: extent.left, y: extent.top, cursor: "nwse-resize" },
    { edges: ["right", "top"], x: extent.right, y: extent.top, cursor: "nesw-resize" },
    { edges: ["left", "bottom"], x: extent.left, y: extent.bottom, cursor: "nesw-resize" },
    { edges: ["right", "bottom"], x: extent.right, y: extent.bottom, cursor: "nwse-resize" },
    { edges: ["left"], x: extent.left, y: cy, cursor: "ew-resize" },
    { edges: ["right"], x: extent.right, y: cy, cursor: "ew-resize" },
    { edges: ["top"], x: cx, y: extent.top, cursor: "ns-resize" },
    { edges: ["bottom"], x: cx, y: extent.bottom, cursor: "ns-resize" },
  ];
}

/**
 * The handle under a picture point: corners first, then the whole length of a side.
 * @param {number} reach picture pixels @returns {{edges:string[],cursor:string}|null}
 */
export function handleAt(extent, x, y, reach) {
  const near = (a, b) => Math.abs(a - b) <= reach;
  const within = (v, low, high) => v >= low - reach && v <= high + reach;
  for (const handle of frameHandles(extent)) {
    if (handle.edges.length === 2) {
      if (near(x, handle.x) && near(y, handle.y)) return handle;
      continue;
    }
    const upright = handle.edges[0] === "left" || handle.edges[0] === "right";
    if (upright && near(x, handle.x) && within(y, extent.top, extent.bottom)) return handle;
    if (!upright && near(y, handle.y) && within(x, extent.left, extent.right)) return handle;
  }
  return null;
}

/**
 * The border after its edges were dragged by (dx, dy) picture pixels from `start`.
 * @param {{left,top,right,bottom}} start @param {string[]} edges @param {boolean} snap
 */
export function dragBorder(start, edges, [dx, dy], snap) {
  const moved = { left: -dx, right: dx, top: -dy, bottom: dy };
  const unit = snap ? SNAP : 1;
  const border = { ...start };
  for (const edge of edges) {
    const pixels = Math.round((start[edge] + moved[edge]) / unit) * unit;
    border[edge] = Math.max(0, Math.min(BORDER_MAX, pixels));
  }
  return border;
}

export const hasBorder = (border) =>
  border.left + border.top + border.right + border.bottom > 0;
