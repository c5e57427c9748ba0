// Coverage of brush strokes and shapes, in whole bytes.
//
// Only + - * / and square root are used, which IEEE 754 fixes to the bit, so the same gesture gives
// the same mask on every machine; a canvas rasteriser does not. Pixel (x, y) has its centre at
// (x + 0.5, y + 0.5). Coverage is 0..255.

const SUBLINES = 4; // scanlines per pixel row of a shape's antialiased edge

/**
 * Radii between which the coverage falls from 1 to 0; never closer than one pixel (antialiasing).
 * @param {number} radius pixels @param {number} hardness 0..1
 */
export function brushProfile(radius, hardness) {
  const inner = radius * hardness;
  if (radius - inner >= 1) return { inner, outer: radius, soft: true };
  return { inner: Math.max(0, radius - 0.5), outer: radius + 0.5, soft: false };
}

/** Coverage 0..255 at `distance` pixels from the stroke's line. */
export function coverAt(profile, distance) {
  if (distance <= profile.inner) return 255;
  if (distance >= profile.outer) return 0;
  const t = (profile.outer - distance) / (profile.outer - profile.inner);
  return Math.round(255 * (profile.soft ? t * t * (3 - 2 * t) : t));
}

/** `before` drawn towards `target` by a coverage 0..255. */
export function blend(before, target, cover) {
  return before + Math.round(((target - before) * cover) / 255);
}

/** Shortest distance from a point to the segment a..b. */
export function segmentDistance(px, py, segment) {
  const { ax, ay, bx, by } = segment;
  const vx = bx - ax;
  const vy = by - ay;
  const length2 = vx * vx + vy * vy;
  let t = length2 > 0 ? ((px - ax) * vx + (py - ay) * vy) / length2 : 0;
  t = t < 0 ? 0 : t > 1 ? 1 : t;
  const ex = px - ax - t * vx;
  const ey = py - ay - t * vy;
  return Math.sqrt(ex * ex + ey * ey);
}

/**
 * Raise the coverage of one tile by a stroke segment.
 * @param {Uint8Array} cover the tile's coverage so far, row-major, w × h
 * @param {{x:number,y:number,w:number,h:number}} box the tile in the picture
 * @param {{ax,ay,bx,by}} segment @param {{inner,outer,soft}} profile
 * @param {(offset:number, cover:number)=>void} raised called for each pixel whose coverage grew
 */
export function coverTile(cover, box, segment, profile, raised) {
  const reach = profile.outer;
  const left = Math.max(box.x, Math.floor(Math.min(segment.ax, segment.bx) - reach));
  const right = Math.min(box.x + box.w, Math.ceil(Math.max(segment.ax, segment.bx) + reach));
  const top = Math.max(box.y, Math.floor(Math.min(segment.ay, segment.by) - reach));
  const bottom = Math.min(box.y + box.h, Math.ceil(Math.max(segment.ay, segment.by) + reach));
  for (let y = top; y < bottom; y++) {
    const row = (y - box.y) * box.w - box.x;
    for (let x = left; x < right; x++) {
      if (cover[row + x] === 255) continue;
      const value = coverAt(profile, segmentDistance(x + 0.5, y + 0.5, segment));
      if (value > cover[row + x]) {
        cover[row + x] = value;
        raised(row + x, value);
      }
    }
  }
}

/** Non-zero winding spans of a closed polygon at height `y`, from its bucketed crossings. */
function windingSpans(crossings) {
  crossings.sort((a, b) => a.x - b.x);
  const spans = [];
  let winding = 0;
  let start = 0;
  for (const { x, turn } of crossings) {
    if (winding === 0) start = x;
    winding += turn;
    if (winding === 0) spans.push([start, x]);
  }
  return spans;
}

/** Spans of a polygon on every subline of rows [top, bottom). @param {number[][]} points */
function polygonSublines(points, top, bottom) {
  const lines = Array.from({ length: (bottom - top) * SUBLINES }, () => []);
  points.forEach((a, i) => {
    const b = points[(i + 1) % points.length];
    if (a[1] === b[1]) return;
    const [high, low, turn] = a[1] < b[1] ? [a, b, 1] : [b, a, -1];
    const slope = (low[0] - high[0]) / (low[1] - high[1]);
    const first = Math.max(0, Math.ceil((high[1] - top) * SUBLINES - 0.5));
    const last = Math.min(lines.length, Math.ceil((low[1] - top) * SUBLINES - 0.5));
    for (let k = first; k < last; k++) {
      const y = top + (k + 0.5) / SUBLINES;
      lines[k].push({ x: high[0] + (y - high[1]) * slope, turn });
    }
  });
  return lines.map(windingSpans);
}

function ellipseSublines(box, top, bottom) {
  const rx = (box.right - box.left) / 2;
  const ry = (box.bottom - box.top) / 2;
  const cx = box.left + rx;
  const cy = box.top + ry;
  return Array.from({ length: (bottom - top) * SUBLINES }, (_, k) => {
    const dy = (top + (k + 0.5) / SUBLINES - cy) / ry;
    if (dy * dy >= 1) return [];
    const half = rx * Math.sqrt(1 - dy * dy);
    return [[cx - half, cx + half]];
  });
}

/** Add one span to a row of coverage (units of one subline, `left` is the row's first pixel). */
function addSpan(row, left, [from, to]) {
  const a = Math.max(0, from - left);
  const b = Math.min(row.length, to - left);
  if (b <= a) return;
  const first = Math.floor(a);
  const last = Math.floor(b);
  if (first === last) {
    row[first] += b - a;
    return;
  }
  row[first] += first + 1 - a;
  for (let x = first + 1; x < last; x++) row[x] += 1;
  if (last < row.length) row[last] += b - last;
}

/** Whole-pixel box of a drag from a to b, inside a picture. */
export function dragBox(a, b, width, height) {
  const clamp = (v, top) => Math.max(0, Math.min(top, Math.round(v)));
  return {
    left: clamp(Math.min(a[0], b[0]), width),
    top: clamp(Math.min(a[1], b[1]), height),
    right: clamp(Math.max(a[0], b[0]), width),
    bottom: clamp(Math.max(a[1], b[1]), height),
  };
}

/** Pixel box that holds a shape. @param {{kind:"rectangle"|"ellipse"|"lasso",points:number[][]}} shape */
export function shapeBox(shape, width, height) {
  if (shape.kind !== "lasso") return dragBox(shape.points[0], shape.points.at(-1), width, height);
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (const [x, y] of shape.points) {
    left = Math.min(left, Math.floor(x));
    top = Math.min(top, Math.floor(y));
    right = Math.max(right, Math.ceil(x));
    bottom = Math.max(bottom, Math.ceil(y));
  }
  return {
    left: Math.max(0, left),
    top: Math.max(0, top),
    right: Math.min(width, right),
    bottom: Math.min(height, bottom),
  };
}

/**
 * Call `emit(y, row)` for each pixel row of a shape; `row[i]` is the coverage 0..255 at box.left + i.
 * A rectangle has whole pixels only; an ellipse fills its whole-pixel box; a lasso closes itself.
 */
export function shapeRows(shape, box, emit) {
  const width = box.right - box.left;
  if (width <= 0 || box.bottom <= box.top) return;
  if (shape.kind === "rectangle") {
    const full = new Uint8Array(width).fill(255);
    for (let y = box.top; y < box.bottom; y++) emit(y, full);
    return;
  }
  const lines =
    shape.kind === "ellipse"
      ? ellipseSublines(box, box.top, box.bottom)
      : polygonSublines(shape.points, box.top, box.bottom);
  const sums = new Float64Array(width);
  const row = new Uint8Array(width);
  for (let y = box.top; y < box.bottom; y++) {
    sums.fill(0);
    const first = (y - box.top) * SUBLINES;
    for (let k = first; k < first + SUBLINES; k++) {
      for (const span of lines[k]) addSpan(sums, box.left, span);
    }
    for (let i = 0; i < width; i++) row[i] = Math.round((255 * sums[i]) / SUBLINES);
    emit(y, row);
  }
}
