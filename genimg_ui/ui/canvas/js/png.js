// Greyscale PNG, 8 bit, written and read without a canvas, so every value survives exactly.
//
// A browser may premultiply, colour-manage or, against fingerprinting, disturb what it reads back
// from a canvas; none of that may touch a mask. Format: ISO/IEC 15948 (PNG), RFC 1950 (zlib).

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes, from, to) {
  let c = 0xffffffff;
  for (let i = from; i < to; i++) c = CRC_TABLE[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

async function through(bytes, transform) {
  const stream = new Blob([bytes]).stream().pipeThrough(transform);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function pngChunk(type, content) {
  const chunk = new Uint8Array(12 + content.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; i++) chunk[4 + i] = type.charCodeAt(i);
  chunk.set(content, 8);
  view.setUint32(8 + content.length, crc32(chunk, 4, 8 + content.length));
  return chunk;
}

/** @param {Uint8Array} data width × height bytes @returns {Promise<Blob>} */
export async function encodeGreyPng(data, width, height) {
  const raw = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) {
    raw.set(data.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits; colour type 0 (grey), deflate, adaptive filters, no interlace
  const parts = [
    new Uint8Array(SIGNATURE),
    pngChunk("IHDR", header),
    pngChunk("IDAT", await through(raw, new CompressionStream("deflate"))),
    pngChunk("IEND", new Uint8Array(0)),
  ];
  return new Blob(parts, { type: "image/png" });
}

function readChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = [];
  let header = null;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") header = content;
    if (type === "IDAT") data.push(content);
    if (type === "tRNS") return null;
    at += 12 + length;
  }
  return header && { header, data };
}

function paeth(a, b, c) {
  const pa = Math.abs(b - c);
  const pb = Math.abs(a - c);
  const pc = Math.abs(a + b - 2 * c);
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}

/** Undo the row filter (PNG 9.2) of one row of one byte per pixel. */
function unfilterRow(kind, row, above) {
  for (let x = 0; x < row.length; x++) {
    const a = x ? row[x - 1] : 0;
    const b = above ? above[x] : 0;
    const c = x && above ? above[x - 1] : 0;
    if (kind === 1) row[x] += a;
    else if (kind === 2) row[x] += b;
    else if (kind === 3) row[x] += (a + b) >> 1;
    else if (kind === 4) row[x] += paeth(a, b, c);
  }
}

/**
 * Read a plain 8-bit greyscale PNG exactly.
 * @param {Uint8Array} bytes
 * @returns {Promise<{data: Uint8Array, width: number, height: number}|null>} null: another kind of file
 */
export async function decodeGreyPng(bytes) {
  if (bytes.length < 33 || SIGNATURE.some((value, i) => bytes[i] !== value)) return null;
  const found = readChunks(bytes);
  if (!found) return null;
  const { header } = found;
  const plain = header[8] === 8 && header[9] === 0 && header[12] === 0;
  if (!plain) return null;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const joined = new Uint8Array(await new Blob(found.data).arrayBuffer());
  const raw = await through(joined, new DecompressionStream("deflate"));
  const data = new Uint8Array(width * height);
  let above = null;
  for (let y = 0; y < height; y++) {
    const at = y * (width + 1);
    const row = data.subarray(y * width, (y + 1) * width);
    row.set(raw.subarray(at + 1, at + 1 + width));
    if (raw[at]) unfilterRow(raw[at], row, above);
    above = row;
  }
  return { data, width, height };
}
