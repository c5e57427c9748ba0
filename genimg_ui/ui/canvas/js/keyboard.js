// Keys of the page that are meant for the canvas: when it or nothing has the focus, or the pointer is
// over it, and nobody is typing text.

import { keyAction, typesText } from "./keys.js";

const HOLD_MS = 400; // a longer press of Q shows the mask again when it ends

/** Whether a key or a paste is meant for the canvas in `root`. @param {Event} event */
export function meantForCanvas(root, event) {
  if (typesText(event.target) || document.querySelector("dialog[open]")) return false;
  const { activeElement, body } = document;
  return activeElement === body || root.contains(activeElement) || root.matches(":hover");
}

export class Keyboard {
  /** @param {HTMLElement} root @param {object} editor @param {(name:string)=>boolean} act */
  constructor(root, editor, act, signal) {
    this.root = root;
    this.editor = editor;
    this.act = act;
    this.hiddenSince = 0;
    document.addEventListener("keydown", (e) => this.#down(e), { signal });
    document.addEventListener("keyup", (e) => this.#up(e), { signal });
    window.addEventListener("blur", () => this.#release(), { signal });
  }

  #down(event) {
    if (event.defaultPrevented || !meantForCanvas(this.root, event)) return;
    const found = keyAction(event);
    if (!found) return;
    const button = event.target.tagName === "BUTTON" && this.root.contains(event.target);
    if (button && event.key === " ") return; // Space presses a focused button of the canvas
    if (found.hold) {
      this.editor.held[found.hold] = true;
      event.preventDefault();
      this.editor.scene.marks();
      return;
    }
    if (found.act === "toggle-mask") {
      if (event.repeat) return;
      this.hiddenSince = performance.now();
    }
    if (this.act(found.act)) event.preventDefault();
  }

  #up(event) {
    const { held } = this.editor;
    const found = keyAction(event);
    if (found?.hold && held[found.hold]) {
      held[found.hold] = false;
      event.preventDefault();
    }
    if (found?.act === "toggle-mask" && this.hiddenSince) {
      const long = performance.now() - this.hiddenSince > HOLD_MS;
      this.hiddenSince = 0;
      if (long) this.act("toggle-mask");
    }
  }

  #release() {
    Object.assign(this.editor.held, { pan: false, erase: false });
  }
}
