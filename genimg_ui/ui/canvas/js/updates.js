// What Python says to the canvas: another picture, a mask, a border, a context box, a preview.
// A field that is null leaves things as they are.

import { maskRefusal, readMask, tryDecode } from "./files.js";

/** Address of a file that Gradio serves, below the root path of the app. @param {string} url */
export function servedUrl(url) {
  const root = window.gradio_config?.root ?? "";
  return url.startsWith("/") ? root.replace(/\/$/, "") + url : url;
}

async function fetchBlob(url) {
  const answer = await fetch(servedUrl(url));
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.blob();
}

export class Updates {
  /** @param {object} host { editor, sync, notify, busy } */
  constructor(host) {
    Object.assign(this, host);
    this.chain = Promise.resolve();
    this.seen = "";
    this.applied = "";
  }

  /** Take up a value that Python has set; updates are applied one after another. */
  receive(value) {
    if (!value || value.origin !== "server" || value.rev === this.seen) return;
    this.seen = value.rev;
    this.chain = this.chain
      .then(() => this.#apply(value))
      .catch((error) => this.notify(`The canvas could not be updated: ${error.message}.`))
      .then(() => {
        this.sync.push();
        this.applied = value.rev;
      });
  }

  async #apply(update) {
    const { editor, sync } = this;
    if (update.message) this.notify(update.message);
    const { preview } = editor;
    if (update.whole !== null) editor.setWhole(update.whole);
    preview.set(update.grow ?? preview.grow, update.feather ?? preview.feather);
    if (update.opened !== null && update.opened !== sync.opened) return; // answers an older picture
    if (update.clear) this.#clear();
    if (update.source) await this.#takeSource(update);
    if (!editor.picture) return;
    if (update.mask_set) await this.#takeMask(update);
    if (update.border) {
      editor.setBorder(update.border);
      editor.keepFrameVisible();
    }
    if (update.box) editor.setBox(update.box.right > update.box.left ? update.box : null);
    if (update.overlay) await this.#takeOverlay(update);
    if (update.context) editor.setContext(update.context.right > update.context.left ? update.context : null);
  }

  /** A picture to look at: it lies below the mask and changes nothing of it. */
  async #takeOverlay(update) {
    const { editor } = this;
    const { overlay: box, overlay_url: url } = update;
    if (box.right <= box.left || !url) return editor.setOverlay(null);
    const { picture } = editor;
    const bitmap = await createImageBitmap(await fetchBlob(url));
    if (editor.picture !== picture) return bitmap.close();
    editor.setOverlay({ bitmap, box });
  }

  #clear() {
    const { editor, sync } = this;
    sync.opened++;
    sync.source = "";
    sync.image = sync.file = null;
    sync.forgetMask();
    this.busy(null);
    editor.setPicture(null);
  }

  async #takeSource(update) {
    const { editor, sync } = this;
    const { opened } = sync;
    const fits = (picture) =>
      picture && (!update.width || (picture.width === update.width && picture.height === update.height));
    const answered = sync.source === update.source || sync.source === "";
    if (update.image_url && !(answered && fits(editor.picture))) {
      const picture = await tryDecode(await fetchBlob(update.image_url));
      if (opened !== sync.opened) return picture?.close();
      if (!picture) throw new Error("the browser cannot read the picture that the server sent");
      sync.forgetMask();
      editor.setPicture(picture);
    }
    this.busy(null);
    sync.bind(update.source);
  }

  async #takeMask(update) {
    const { editor, sync } = this;
    const { mask } = editor;
    await editor.idle();
    if (!update.mask_url) {
      this.#replace(mask, null);
    } else {
      const read = await readMask(await fetchBlob(update.mask_url));
      await editor.idle();
      if (mask !== editor.mask) return;
      const refused = maskRefusal(read, editor.picture);
      if (refused) return sync.refuse(refused);
      this.#replace(mask, read.data);
    }
    // The value must name the mask that is shown, or the next event would send the old one.
    await sync.flush();
  }

  #replace(mask, data) {
    const { editor, sync } = this;
    const fresh = mask.revision === 0; // nothing to undo to in a picture just shown
    const { untold } = sync;
    editor.edited(data ? mask.replace(data) : mask.clear());
    if (fresh) mask.history.forget();
    sync.untold = untold; // Python knows the mask that it has set
  }
}
