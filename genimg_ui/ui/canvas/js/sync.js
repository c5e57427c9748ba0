// What travels: the picture's original bytes once, then only the mask, as an exact greyscale PNG.
//
// props.value is always what Python may read; it is small and holds file references, never pixels.
// The mask is bound to `source`, the digest that the server gave for this picture.

import { encodeGreyPng } from "./png.js";

const RETRY_MS = 4000;

/** A file reference as Gradio checks it. @param {{path:string,url:string}} stored @param {File} file */
function fileData(stored, file) {
  return {
    path: stored.path,
    url: stored.url,
    orig_name: file.name,
    size: file.size,
    mime_type: file.type,
    meta: { _type: "gradio.FileData" },
  };
}

export class Sync {
  /** @param {object} host { props, trigger, upload, settings, editor, notify } */
  constructor(host) {
    Object.assign(this, host);
    this.source = "";
    this.opened = 0; // which picture, counted in this page: answers to older ones are void
    this.file = null; // the picture while it is not uploaded
    this.image = null; // reference of a picture that the server has not answered yet
    this.imageUpload = Promise.resolve();
    this.mask = null; // reference of the mask as last uploaded
    this.sentMask = null; // the PaintedMask and its revision that `mask` shows
    this.sentRevision = 0;
    this.chain = Promise.resolve();
    this.timer = 0;
    this.borderTimer = 0;
    this.untold = false; // an edit that no mask_edited has told yet
    this.uploads = 0;
  }

  value() {
    const { picture, border, mask } = this.editor;
    return {
      origin: "browser",
      opened: this.opened,
      source: this.source,
      image: this.source ? null : this.image,
      mask: this.mask,
      width: picture ? picture.width : 0,
      height: picture ? picture.height : 0,
      border: { ...border },
      box: this.editor.box,
      mask_rev: mask ? mask.revision : 0,
    };
  }

  push() {
    this.props.value = this.value();
    return this.props.value;
  }

  /** A picture was opened here; its bytes go up as they are. @param {File} file */
  opening(file) {
    this.opened++;
    this.source = "";
    this.image = null;
    this.forgetMask();
    this.push();
    this.file = file;
    this.imageUpload = this.#uploadImage();
  }

  async #uploadImage() {
    const { file, opened } = this;
    try {
      const stored = await this.upload(file);
      if (opened !== this.opened) return;
      this.file = null;
      this.image = fileData(stored, file);
      this.push();
      this.trigger("picture_opened", { opened, name: file.name });
    } catch (error) {
      if (opened !== this.opened) return;
      this.refuse(`${file.name} could not be sent: ${error?.message ?? error}. Apply sends it again.`);
    }
  }

  refuse(message) {
    this.notify(message);
    this.trigger("refused", { message });
  }

  forgetMask() {
    clearTimeout(this.timer);
    this.mask = null;
    this.sentMask = null;
    this.sentRevision = 0;
    this.untold = false;
  }

  /** The server named the picture: masks are bound to it from now on. */
  bind(source) {
    this.source = source;
    this.image = null;
    if (this.untold) this.#later();
  }

  edited() {
    this.untold = true;
    this.#later();
  }

  borderChanged() {
    this.push();
    this.trigger("border_changed", { ...this.editor.border });
  }

  contextChanged() {
    this.push();
    this.trigger("context_changed", {});
  }

  /** The border came from numbers: told apart, so that an answer does not write into a field in use. */
  borderTyped() {
    this.push();
    clearTimeout(this.borderTimer);
    this.borderTimer = setTimeout(() => this.trigger("border_typed", {}), this.settings.autosyncMs);
  }

  #later(wait = this.settings.autosyncMs) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tellMask(), wait);
  }

  /** Send the mask and tell Python; held back while the picture has no digest to bind it to. */
  async tellMask() {
    if (!this.untold || !this.source) return;
    try {
      await this.flush();
    } catch {
      this.#later(RETRY_MS); // flush has told the person
      return;
    }
    if (!this.source || !this.untold) return;
    this.untold = this.dirty;
    if (this.untold) this.#later();
    this.trigger("mask_edited", { mask_rev: this.editor.mask?.revision ?? 0 });
  }

  get dirty() {
    const { mask } = this.editor;
    if (!mask) return false;
    return mask !== this.sentMask ? mask.painted > 0 || this.mask !== null : mask.revision !== this.sentRevision;
  }

  /** Resolves to the value once picture and mask are uploaded; one upload at a time, latest wins. */
  flush() {
    const next = this.chain.then(() => this.#flush());
    this.chain = next.catch(() => {});
    return next;
  }

  async #flush() {
    await this.imageUpload;
    if (this.file) await (this.imageUpload = this.#uploadImage());
    while (this.dirty) await this.#sendMask();
    return this.push();
  }

  async #sendMask() {
    await this.editor.idle();
    const { mask } = this.editor;
    if (!mask) return;
    const { revision } = mask;
    let sent = null;
    if (mask.painted) {
      try {
        const blob = await encodeGreyPng(mask.data, mask.width, mask.height);
        const file = new File([blob], "mask.png", { type: "image/png" });
        sent = fileData(await this.upload(file), file);
        this.uploads++;
      } catch (error) {
        this.notify(`The mask could not be sent: ${error?.message ?? error}. It is kept here.`);
        throw error;
      }
    }
    if (mask !== this.editor.mask) return;
    this.mask = sent;
    this.sentMask = mask;
    this.sentRevision = revision;
  }

  /** The page is going away or to the background: send what is pending, wait for nothing. */
  leave() {
    if (!this.untold) return;
    clearTimeout(this.timer);
    this.tellMask();
  }
}
