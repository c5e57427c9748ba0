// The picture on display: decoded once, with smaller copies so that drawing it small stays quick.
// It is never sent back; its size is in oriented pixels (EXIF orientation applied by the browser).

const SMALLEST_SIDE = 512; // below this a further copy saves nothing

export class Picture {
  /** @param {ImageBitmap} bitmap */
  constructor(bitmap) {
    this.width = bitmap.width;
    this.height = bitmap.height;
    this.levels = [{ step: 1, bitmap }];
  }

  /** @param {Blob} blob @returns {Promise<Picture>} rejects where the browser cannot read the file */
  static async decode(blob) {
    return new Picture(await createImageBitmap(blob, { imageOrientation: "from-image" }));
  }

  /** Make the smaller copies, each half of the one before. */
  async addLevels() {
    for (let step = 2; Math.max(this.width, this.height) / step >= SMALLEST_SIDE; step *= 2) {
      const from = this.levels.at(-1).bitmap;
      const bitmap = await createImageBitmap(from, {
        resizeWidth: Math.max(1, Math.round(this.width / step)),
        resizeHeight: Math.max(1, Math.round(this.height / step)),
        resizeQuality: "medium",
      });
      if (!this.levels.length) return bitmap.close(); // closed meanwhile
      this.levels.push({ step, bitmap });
    }
  }

  /** Draw the part of the picture that is on the stage. */
  draw(context, view) {
    const seen = view.visible({ left: 0, top: 0, right: this.width, bottom: this.height });
    if (!seen) return;
    let { bitmap } = this.levels[0];
    for (const level of this.levels) if (view.scale * level.step <= 1) bitmap = level.bitmap;
    const fx = bitmap.width / this.width;
    const fy = bitmap.height / this.height;
    const [x, y] = view.toScreen(seen.left, seen.top);
    const w = seen.right - seen.left;
    const h = seen.bottom - seen.top;
    context.imageSmoothingEnabled = view.scale < 3; // show the pixels where they are large
    context.drawImage(
      bitmap,
      seen.left * fx,
      seen.top * fy,
      w * fx,
      h * fy,
      x,
      y,
      w * view.scale,
      h * view.scale,
    );
  }

  close() {
    for (const { bitmap } of this.levels.splice(0)) bitmap.close();
  }
}
