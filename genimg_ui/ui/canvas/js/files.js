// Files that a person opens: pictures and ready-made masks. What cannot be used is refused in one
// sentence that says what, what was received, and what is allowed.

import { Picture } from "./picture.js";
import { decodeGreyPng } from "./png.js";

const EXTENSIONS = ["png", "jpg", "jpeg", "jfif", "webp", "tif", "tiff", "bmp", "gif"];
const ALLOWED = "PNG, JPEG, WebP, TIFF or BMP";

/** Whether a file is a replay bundle rather than a picture. @returns {boolean} */
export function isBundle(file) {
  return file.name.toLowerCase().endsWith(".zip");
}

/** Why a file is refused before it is read, or null. @returns {string|null} */
export function refusal(file, maxBytes) {
  const extension = file.name.split(".").pop().toLowerCase();
  const known = file.type ? file.type.startsWith("image/") : EXTENSIONS.includes(extension);
  if (!known) return `A picture must be ${ALLOWED}, got ${file.name || file.type}.`;
  if (file.size === 0) return `A picture must not be empty, got ${file.name} with 0 bytes.`;
  if (file.size > maxBytes) {
    const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
    return `A picture may have up to ${mb(maxBytes)}, got ${file.name} with ${mb(file.size)}.`;
  }
  return null;
}

/** Why a picture of this size is refused, or null. @returns {string|null} */
export function sizeRefusal(width, height, maxPixels) {
  if (width * height <= maxPixels) return null;
  const mp = (pixels) => `${(pixels / 1e6).toFixed(1)} megapixels`;
  return `A picture may have up to ${mp(maxPixels)}, got ${width} × ${height} (${mp(width * height)}).`;
}

/** The picture, or null where this browser cannot read it. @param {Blob} blob */
export async function tryDecode(blob) {
  try {
    return await Picture.decode(blob);
  } catch {
    return null;
  }
}

/** Luma of RGBA pixels over black (ITU-R BT.601, as Pillow's mode L). @returns {Uint8Array} */
export function luma(rgba) {
  const grey = new Uint8Array(rgba.length / 4);
  for (let i = 0, p = 0; i < grey.length; i++, p += 4) {
    const y = (rgba[p] * 19595 + rgba[p + 1] * 38470 + rgba[p + 2] * 7471 + 0x8000) >> 16;
    grey[i] = Math.round((y * rgba[p + 3]) / 255);
  }
  return grey;
}

function bitmapLuma(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return luma(context.getImageData(0, 0, bitmap.width, bitmap.height).data);
}

/**
 * Grey values of a mask file; exact for 8-bit grey PNG, by luma for other pictures.
 * @param {Blob} blob @returns {Promise<{data: Uint8Array, width: number, height: number}>}
 */
export async function readMask(blob) {
  const grey = await decodeGreyPng(new Uint8Array(await blob.arrayBuffer()));
  if (grey) return grey;
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  const data = bitmapLuma(bitmap);
  bitmap.close();
  return { data, width, height };
}

/** Why a mask does not fit a picture, or null. @returns {string|null} */
export function maskRefusal(mask, picture) {
  if (mask.width === picture.width && mask.height === picture.height) return null;
  const needed = `${picture.width} × ${picture.height}`;
  return `A mask must have the picture's size, ${needed} pixels, got ${mask.width} × ${mask.height}.`;
}
