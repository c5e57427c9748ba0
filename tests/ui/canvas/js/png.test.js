import test from "node:test";
import assert from "node:assert/strict";
import { decodeGreyPng, encodeGreyPng } from "../../../../genimg_ui/ui/canvas/js/png.js";
import { luma, maskRefusal, refusal, sizeRefusal } from "../../../../genimg_ui/ui/canvas/js/files.js";

test("every grey value survives the way through PNG", async () => {
  for (const [width, height] of [[256, 3], [1, 1], [7, 300]]) {
    const data = Uint8Array.from({ length: width * height }, (_, i) => (i * 31) % 256);
    const blob = await encodeGreyPng(data, width, height);
    const read = await decodeGreyPng(new Uint8Array(await blob.arrayBuffer()));
    assert.deepEqual(read, { data, width, height });
  }
});

test("another file is left to the browser", async () => {
  assert.equal(await decodeGreyPng(new Uint8Array(100)), null);
});

test("luma weighs as ITU-R BT.601 and keeps grey as it is", () => {
  for (let v = 0; v < 256; v++) assert.equal(luma(Uint8Array.from([v, v, v, 255]))[0], v);
  assert.deepEqual([...luma(Uint8Array.from([255, 0, 0, 255, 255, 255, 255, 0]))], [76, 0]);
});

test("refusals say what, received and allowed", () => {
  const file = (name, type, size) => ({ name, type, size });
  assert.equal(refusal(file("a.jpg", "image/jpeg", 10), 100), null);
  assert.equal(refusal(file("a.tiff", "", 10), 100), null);
  assert.match(refusal(file("a.pdf", "application/pdf", 10), 100), /PNG, JPEG.*got a\.pdf/);
  assert.match(refusal(file("a.png", "image/png", 0), 100), /0 bytes/);
  assert.match(refusal(file("a.png", "image/png", 3e6), 2e6), /up to 2\.0 MB, got a\.png with 3\.0 MB/);
  assert.match(sizeRefusal(8000, 8000, 50e6), /50\.0 megapixels, got 8000 × 8000 \(64\.0/);
  assert.equal(sizeRefusal(8000, 6000, 50e6), null);
  const wrong = maskRefusal({ width: 3, height: 4 }, { width: 4, height: 3 });
  assert.match(wrong, /size, 4 × 3 pixels, got 3 × 4/);
});
