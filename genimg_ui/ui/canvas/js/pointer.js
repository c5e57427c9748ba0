// Mouse, touch and pen: one gesture at a time, in picture coordinates.
//
// A second finger takes back the stroke that the first began and zooms and pans instead; a finger is
// ignored while a pen is down (the palm).

import { ContextDrag, gripAt } from "./contextbox.js";
import { dragBorder, handleAt } from "./frame.js";
import { pinchView } from "./view.js";

const GRAB_MOUSE = 12; // CSS pixels around a handle
const GRAB_TOUCH = 24;
const PRESSURE_MIN = 0.05;
const SKIP_SHARE = 0.03; // of the radius: a shorter move adds nothing that shows

export class PointerInput {
  /** @param {HTMLElement} surface @param {object} editor @param {AbortSignal} signal */
  constructor(surface, editor, signal) {
    this.surface = surface;
    this.editor = editor;
    this.touches = new Map();
    this.gesture = null;
    this.lastPoint = null;
    editor.addEventListener("interrupt", () => this.cancel(), { signal });
    const on = (name, handler, options = {}) =>
      surface.addEventListener(name, handler, { signal, ...options });
    on("pointerdown", (e) => this.#down(e));
    on("pointermove", (e) => this.#move(e));
    on("pointerup", (e) => this.#up(e));
    on("pointercancel", (e) => this.#up(e));
    on("pointerleave", () => this.#hover(null));
    on("wheel", (e) => this.#wheel(e), { passive: false });
    on("contextmenu", (e) => e.preventDefault());
    on("mousedown", (e) => e.button === 1 && e.preventDefault()); // no autoscroll while panning
  }

  #at(event) {
    const rect = this.surface.getBoundingClientRect();
    const { dpr } = this.editor.scene;
    return [(event.clientX - rect.left) * dpr, (event.clientY - rect.top) * dpr];
  }

  #picturePoint(event) {
    return this.editor.view.toPicture(...this.#at(event));
  }

  #down(event) {
    const { editor } = this;
    if (!editor.picture) return;
    if (event.pointerType === "pen") editor.tell("pen");
    if (event.pointerType === "touch") {
      if (this.gesture?.pen) return;
      this.touches.set(event.pointerId, this.#at(event));
    }
    this.#capture(event);
    if (this.touches.size > 1) return this.#startPinch();
    if (this.gesture) return;
    this.#start(event);
  }

  #capture(event) {
    try {
      this.surface.setPointerCapture(event.pointerId);
    } catch {
      // The pointer was lifted before the handler ran; its pointerup ends the gesture all the same.
    }
  }

  #start(event) {
    const { editor } = this;
    const base = { id: event.pointerId, pen: event.pointerType === "pen" };
    const start = this.#picturePoint(event);
    if (event.button === 1 || editor.held.pan || editor.tool === "hand") {
      this.gesture = { ...base, kind: "pan", last: this.#at(event) };
      return;
    }
    if (editor.tool === "frame") {
      const handle = this.#handle(event);
      this.gesture = handle
        ? { ...base, kind: "frame", handle, start, border: { ...editor.border } }
        : { ...base, kind: "pan", last: this.#at(event) };
      return;
    }
    if (editor.tool === "context") {
      this.gesture = { ...base, kind: "context", drag: new ContextDrag(editor, start, this.#reach(event)) };
      return;
    }
    const erase = this.#erases(event);
    editor.erasing = erase;
    if (editor.tool === "brush" || editor.tool === "eraser") this.#startStroke(event, base, start, erase);
    else {
      this.gesture = { ...base, kind: "shape", erase };
      editor.shape = { kind: editor.tool, points: [start] };
    }
  }

  #erases(event) {
    const { editor } = this;
    const penEraser = (event.buttons & 32) !== 0;
    return (
      editor.tool === "eraser" || editor.held.erase || event.altKey || event.button === 2 || penEraser
    );
  }

  #startStroke(event, base, start, erase) {
    const radius = this.#radius(event);
    this.gesture = { ...base, kind: "stroke", last: start, radius };
    this.editor.preview.hide();
    this.editor.mask.beginStroke(this.editor.ink(erase));
    const from = event.shiftKey && this.lastPoint ? this.lastPoint : start;
    this.#paint(from, radius, start, radius);
    this.lastPoint = start;
  }

  #radius(event) {
    const { size, pressure } = this.editor.options;
    const share = pressure && event.pointerType === "pen" ? Math.max(PRESSURE_MIN, event.pressure) : 1;
    return Math.max(0.5, (size / 2) * share);
  }

  /** Paint from a to b; a changing radius goes in pieces of about one pixel of change. */
  #paint(a, ra, b, rb) {
    const { mask, scene, options } = this.editor;
    const pieces = Math.min(64, Math.max(1, Math.ceil(Math.abs(rb - ra))));
    const along = (t) => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
    for (let i = 0; i < pieces; i++) {
      const [ax, ay] = along(i / pieces);
      const [bx, by] = along((i + 1) / pieces);
      const radius = ra + ((rb - ra) * (i + 1)) / pieces;
      scene.changed(mask.paintSegment({ ax, ay, bx, by }, radius, options.hardness / 100));
    }
  }

  #strokeTo(event, last) {
    const { gesture } = this;
    const point = this.#picturePoint(event);
    const radius = event.type === "pointerup" ? gesture.radius : this.#radius(event);
    const moved = Math.hypot(point[0] - gesture.last[0], point[1] - gesture.last[1]);
    if (moved === 0 || (!last && moved < radius * SKIP_SHARE)) return;
    this.#paint(gesture.last, gesture.radius, point, radius);
    gesture.last = point;
    gesture.radius = radius;
    this.lastPoint = point;
  }

  #move(event) {
    const { editor, gesture } = this;
    if (this.touches.has(event.pointerId)) this.touches.set(event.pointerId, this.#at(event));
    this.#hover(event);
    if (!editor.picture || !gesture) return;
    if (gesture.kind === "pinch") return this.#pinch();
    if (gesture.id !== event.pointerId) return;
    if (gesture.kind === "pan") this.#pan(event);
    else if (gesture.kind === "frame") this.#dragFrame(event);
    else if (gesture.kind === "context") gesture.drag.to(this.#picturePoint(event));
    else if (gesture.kind === "shape") this.#dragShape(event);
    else if (gesture.kind === "stroke") {
      const events = event.getCoalescedEvents?.() ?? [];
      for (const part of events.length ? events : [event]) this.#strokeTo(part, false);
    }
  }

  #hover(event) {
    const { editor, surface } = this;
    editor.hover = event && event.pointerType !== "touch" && editor.picture ? this.#at(event) : null;
    editor.erasing = Boolean(event) && (editor.held.erase || event.altKey || editor.tool === "eraser");
    editor.scene.marks();
    const panning = editor.held.pan || editor.tool === "hand" || this.gesture?.kind === "pan";
    const handle = event && editor.picture && this.#handle(event);
    const painting = editor.tool === "brush" || editor.tool === "eraser";
    const big = editor.options.size * editor.view.scale > 8 * editor.scene.dpr;
    if (panning) surface.style.cursor = this.gesture ? "grabbing" : "grab";
    else if (handle) surface.style.cursor = handle.cursor;
    else if (editor.tool === "frame") surface.style.cursor = "grab";
    else surface.style.cursor = painting && big && editor.picture ? "none" : "crosshair";
  }

  /** What the tool would take hold of at the pointer: of the frame or of the context box. */
  #handle(event) {
    const { editor } = this;
    const at = [...this.#picturePoint(event), this.#reach(event)];
    if (editor.tool === "context") return gripAt(editor.box, ...at);
    return editor.tool === "frame" ? handleAt(editor.extent, ...at) : null;
  }

  #reach(event) {
    const grab = event.pointerType === "touch" ? GRAB_TOUCH : GRAB_MOUSE;
    return (grab * this.editor.scene.dpr) / this.editor.view.scale;
  }

  #pan(event) {
    const at = this.#at(event);
    this.editor.view.panBy(at[0] - this.gesture.last[0], at[1] - this.gesture.last[1]);
    this.gesture.last = at;
    this.editor.moved();
  }

  #dragFrame(event) {
    const { start, border, handle } = this.gesture;
    const [x, y] = this.#picturePoint(event);
    const moved = [x - start[0], y - start[1]];
    this.editor.setBorder(dragBorder(border, handle.edges, moved, !event.shiftKey));
  }

  #dragShape(event) {
    const { shape } = this.editor;
    const point = this.#picturePoint(event);
    if (shape.kind === "lasso") shape.points.push(point);
    else shape.points[1] = event.shiftKey ? this.#square(shape.points[0], point) : point;
    this.editor.scene.marks();
  }

  #square([x0, y0], [x, y]) {
    const side = Math.max(Math.abs(x - x0), Math.abs(y - y0));
    return [x0 + (x < x0 ? -side : side), y0 + (y < y0 ? -side : side)];
  }

  #startPinch() {
    if (this.touches.size > 2) return;
    this.cancel();
    this.gesture = { kind: "pinch", was: [...this.touches.values()] };
  }

  #pinch() {
    if (this.touches.size !== 2) return;
    const now = [...this.touches.values()];
    pinchView(this.editor.view, this.gesture.was, now);
    this.gesture.was = now;
    this.editor.moved();
  }

  #up(event) {
    const { gesture, editor } = this;
    this.touches.delete(event.pointerId);
    if (!gesture) return;
    if (gesture.kind === "pinch") {
      if (!this.touches.size) this.gesture = null; // all fingers up before the next stroke
      return;
    }
    if (gesture.id !== event.pointerId) return;
    this.gesture = null;
    if (gesture.kind === "stroke") {
      this.gesture = gesture;
      if (event.type === "pointerup") this.#strokeTo(event, true);
      this.gesture = null;
      editor.edited(editor.mask.endStroke());
    } else if (gesture.kind === "shape") this.#endShape(gesture);
    else if (gesture.kind === "context") gesture.drag.end();
    else if (gesture.kind === "frame") {
      editor.keepFrameVisible();
      editor.tell("border");
    }
    this.#hover(event);
  }

  #endShape(gesture) {
    const { editor } = this;
    const { shape } = editor;
    editor.shape = null;
    if (shape && shape.points.length > 1) {
      editor.edited(editor.mask.fillShape(shape, editor.ink(gesture.erase)));
    }
    editor.scene.marks();
  }

  /** Take back the gesture under way. @returns {boolean} whether there was one */
  cancel() {
    const { gesture, editor } = this;
    this.gesture = null;
    if (!gesture) return false;
    if (gesture.kind === "stroke") {
      for (const { x, y, w, h } of editor.mask.cancelStroke()) {
        editor.scene.changed({ left: x, top: y, right: x + w, bottom: y + h });
      }
      editor.preview.invalidate();
    }
    if (gesture.kind === "frame") editor.setBorder(gesture.border);
    if (gesture.kind === "context") gesture.drag.cancel();
    editor.shape = null;
    editor.scene.marks();
    return true;
  }

  #wheel(event) {
    const { editor } = this;
    if (!editor.picture) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    const speed = event.ctrlKey ? 0.01 : 0.0015; // a pinch on a trackpad comes as small Ctrl+wheel steps
    editor.view.zoomAt(...this.#at(event), Math.exp(-pixels * speed));
    editor.moved();
  }
}
