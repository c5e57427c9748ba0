// What lies above the picture: frame, handles, context box, the shape being drawn, the brush ring.
// All drawing is in device pixels of the stage.

import { sameBox } from "./contextbox.js";
import { frameHandles, hasBorder } from "./frame.js";

const HANDLE_RADIUS = 6; // CSS pixels
const FONT_SIZE = 12; // CSS pixels

function screenBox(view, box) {
  const [x, y] = view.toScreen(box.left, box.top);
  return [x, y, (box.right - box.left) * view.scale, (box.bottom - box.top) * view.scale];
}

/** A line that shows on every ground: dark below, light (or coloured) dashes above. */
function twoTone(context, dpr, colour, path) {
  context.lineWidth = dpr;
  context.setLineDash([]);
  context.strokeStyle = "rgba(0, 0, 0, 0.65)";
  context.beginPath();
  path();
  context.stroke();
  context.setLineDash([5 * dpr, 4 * dpr]);
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
}

function drawLabel(context, dpr, text, [x, y], align = "center") {
  context.font = `600 ${FONT_SIZE * dpr}px system-ui, sans-serif`;
  const width = context.measureText(text).width + 12 * dpr;
  const height = (FONT_SIZE + 8) * dpr;
  let left = align === "center" ? x - width / 2 : x;
  left = Math.max(2 * dpr, Math.min(context.canvas.width - width - 2 * dpr, left));
  const top = Math.max(2 * dpr, Math.min(context.canvas.height - height - 2 * dpr, y - height / 2));
  context.fillStyle = "rgba(17, 24, 39, 0.85)";
  context.beginPath();
  context.roundRect(left, top, width, height, 4 * dpr);
  context.fill();
  context.fillStyle = "#fff";
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(text, left + 6 * dpr, top + height / 2 + dpr * 0.5);
}

function drawHandles(context, view, dpr, box, colour) {
  for (const handle of frameHandles(box)) {
    context.beginPath();
    context.arc(...view.toScreen(handle.x, handle.y), HANDLE_RADIUS * dpr, 0, 2 * Math.PI);
    context.fillStyle = "#fff";
    context.fill();
    context.lineWidth = 2 * dpr;
    context.strokeStyle = colour;
    context.stroke();
  }
}

function drawFrame(context, editor, dpr) {
  const { view, border, extent, tool } = editor;
  const active = tool === "frame";
  if (!active && !hasBorder(border)) return;
  const rect = screenBox(view, extent);
  twoTone(context, dpr, "#60a5fa", () => context.rect(...rect));
  const [x, y, w, h] = rect;
  const gap = 18 * dpr;
  if (border.left) drawLabel(context, dpr, `+${border.left}`, [x + gap * 1.6, y + h / 2 - gap]);
  if (border.right) drawLabel(context, dpr, `+${border.right}`, [x + w - gap * 1.6, y + h / 2 - gap]);
  if (border.top) drawLabel(context, dpr, `+${border.top}`, [x + w / 2 + gap * 2, y + gap]);
  if (border.bottom) drawLabel(context, dpr, `+${border.bottom}`, [x + w / 2 + gap * 2, y + h - gap]);
  if (!active) return;
  const size = `${extent.right - extent.left} × ${extent.bottom - extent.top} px`;
  drawLabel(context, dpr, size, [x + w / 2, y + h + gap]);
  drawHandles(context, view, dpr, extent, "#2563eb");
}

function drawContext(context, editor, dpr) {
  const { view, tool } = editor;
  const box = editor.box ?? editor.context;
  if (!box) return;
  const rect = screenBox(view, box);
  twoTone(context, dpr, "#facc15", () => context.rect(...rect));
  const told = sameBox(box, editor.context) && editor.context.label;
  const label = told || `${box.right - box.left} × ${box.bottom - box.top}`;
  drawLabel(context, dpr, label, [rect[0], rect[1] - 14 * dpr], "left");
  if (editor.box && tool === "context") drawHandles(context, view, dpr, box, "#a16207");
}

function drawShape(context, editor, dpr) {
  const { view, shape } = editor;
  if (!shape || shape.points.length < 2) return;
  const points = shape.points.map(([x, y]) => view.toScreen(x, y));
  const [a, b] = [points[0], points.at(-1)];
  twoTone(context, dpr, "#fff", () => {
    if (shape.kind === "rectangle") context.rect(a[0], a[1], b[0] - a[0], b[1] - a[1]);
    else if (shape.kind === "ellipse") {
      const rx = Math.abs(b[0] - a[0]) / 2;
      const ry = Math.abs(b[1] - a[1]) / 2;
      context.ellipse((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, rx, ry, 0, 0, 2 * Math.PI);
    } else {
      context.moveTo(...a);
      for (const point of points) context.lineTo(...point);
      context.closePath();
    }
  });
  if (shape.kind === "lasso") return;
  const [p, q] = [shape.points[0], shape.points.at(-1)];
  const size = `${Math.abs(Math.round(q[0]) - Math.round(p[0]))} × ${Math.abs(Math.round(q[1]) - Math.round(p[1]))}`;
  drawLabel(context, dpr, size, [b[0] + 44 * dpr, b[1] + 18 * dpr]);
}

function drawRing(context, editor, dpr) {
  const { view, hover, tool, options } = editor;
  if (!hover || (tool !== "brush" && tool !== "eraser")) return;
  const radius = Math.max(dpr, (options.size / 2) * view.scale);
  const ring = (r, width, colour) => {
    context.beginPath();
    context.arc(hover[0], hover[1], r, 0, 2 * Math.PI);
    context.lineWidth = width * dpr;
    context.strokeStyle = colour;
    context.stroke();
  };
  ring(radius, 2.5, "rgba(0, 0, 0, 0.55)");
  ring(radius, 1.25, editor.erasing ? "#fde047" : "#fff");
  if (options.hardness < 95 && radius > 8 * dpr) {
    context.setLineDash([2 * dpr, 3 * dpr]);
    ring((radius * options.hardness) / 100, 1, "rgba(255, 255, 255, 0.8)");
    context.setLineDash([]);
  }
}

/** Draw all marks. @param {CanvasRenderingContext2D} context @param {object} editor @param {number} dpr */
export function drawMarks(context, editor, dpr) {
  drawContext(context, editor, dpr);
  drawFrame(context, editor, dpr);
  drawShape(context, editor, dpr);
  drawRing(context, editor, dpr);
}
