// What each key does, as data: the key handler and the help sheet read the same table.

export const SHORTCUTS = [
  { keys: "B", act: "brush", text: "Brush" },
  { keys: "E", act: "eraser", text: "Eraser" },
  { keys: "R", act: "rectangle", text: "Rectangle" },
  { keys: "C", act: "ellipse", text: "Ellipse" },
  { keys: "L", act: "lasso", text: "Lasso" },
  { keys: "O", act: "frame", text: "Outpaint frame" },
  { keys: "K", act: "context", text: "Context box: draw what the engine sees" },
  { keys: "Shift + K", act: "clear-context", text: "Context box from the mask again" },
  { keys: "H", act: "hand", text: "Hand" },
  { keys: "[  ]", act: null, text: "Brush size" },
  { keys: "Shift + [  ]", act: null, text: "Brush hardness" },
  { keys: "X or Alt", act: null, text: "Erase while held (also the right button)" },
  { keys: "Shift + click", act: null, text: "Straight line from the last point" },
  { keys: "Shift + drag", act: null, text: "Square, circle; frame without snapping" },
  { keys: "I", act: "invert", text: "Invert the mask" },
  { keys: "Del", act: "clear", text: "Clear the mask" },
  { keys: "Q", act: "toggle-mask", text: "Hide or show the mask (press or hold)" },
  { keys: "Ctrl + Z", act: "undo", text: "Undo" },
  { keys: "Ctrl + Shift + Z, Ctrl + Y", act: "redo", text: "Redo" },
  { keys: "0", act: "fit", text: "Fit the picture" },
  { keys: "1", act: "actual", text: "100 %" },
  { keys: "+  −  wheel", act: null, text: "Zoom" },
  { keys: "Space + drag", act: null, text: "Pan (also the middle button, two fingers)" },
  { keys: "Ctrl + Enter", act: null, text: "Apply" },
  { keys: "Alt + ←  →", act: null, text: "Previous version, next version" },
  { keys: "Esc", act: null, text: "Cancel the edit that runs" },
  { keys: "?", act: "help", text: "This sheet" },
];

const PLAIN = {
  b: "brush",
  e: "eraser",
  r: "rectangle",
  c: "ellipse",
  l: "lasso",
  o: "frame",
  k: "context",
  h: "hand",
  i: "invert",
  delete: "clear",
  backspace: "clear",
  "[": "size-down",
  "]": "size-up",
  "{": "hardness-down",
  "}": "hardness-up",
  0: "fit",
  1: "actual",
  "+": "zoom-in",
  "=": "zoom-in",
  "-": "zoom-out",
  "_": "zoom-out",
  "?": "help",
  escape: "escape",
  q: "toggle-mask",
};

const HELD = { " ": "pan", x: "erase", alt: "erase" };

/**
 * The action of a key press: { act } once, or { hold } while it is down; null if the key is not ours.
 * @param {{key:string, code?:string, ctrlKey?:boolean, metaKey?:boolean, shiftKey?:boolean}} event
 */
export function keyAction(event) {
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") return { act: event.shiftKey ? "redo" : "undo" };
    return key === "y" ? { act: "redo" } : null;
  }
  if (key in HELD) return { hold: HELD[key] };
  if (key === "k" && event.shiftKey) return { act: "clear-context" };
  if (event.code === "BracketLeft") return { act: event.shiftKey ? "hardness-down" : "size-down" };
  if (event.code === "BracketRight") return { act: event.shiftKey ? "hardness-up" : "size-up" };
  return key in PLAIN ? { act: PLAIN[key] } : null;
}

/** True where a key belongs to the element that has the focus, not to the canvas. */
export function typesText(target) {
  if (!target || !target.tagName) return false;
  if (target.isContentEditable) return true;
  if (target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  const silent = ["range", "checkbox", "radio", "button", "file", "color", "submit"];
  return target.tagName === "INPUT" && !silent.includes(target.type);
}
