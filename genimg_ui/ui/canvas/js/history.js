// Undo and redo of a greyscale mask in square tiles, capped by memory.
//
// A grid is { data: Uint8Array, width, height, columns }: row-major, one byte per pixel, 0..255.
// A step holds the tiles as they were before the change; a tile of one value is kept as a number.

export const TILE = 256;

/** Pixel rectangle of tile `index`. @returns {{x:number,y:number,w:number,h:number}} */
export function tileBox(grid, index) {
  const x = (index % grid.columns) * TILE;
  const y = Math.floor(index / grid.columns) * TILE;
  return { x, y, w: Math.min(TILE, grid.width - x), h: Math.min(TILE, grid.height - y) };
}

/** Copy of the bytes of tile `index`. @returns {Uint8Array} */
export function copyTile(grid, index) {
  const { x, y, w, h } = tileBox(grid, index);
  const copy = new Uint8Array(w * h);
  for (let row = 0; row < h; row++) {
    const from = (y + row) * grid.width + x;
    copy.set(grid.data.subarray(from, from + w), row * w);
  }
  return copy;
}

/** Write bytes, or one value everywhere, into tile `index`. @param {Uint8Array|number} content */
export function writeTile(grid, index, content) {
  const { x, y, w, h } = tileBox(grid, index);
  for (let row = 0; row < h; row++) {
    const at = (y + row) * grid.width + x;
    if (typeof content === "number") grid.data.fill(content, at, at + w);
    else grid.data.set(content.subarray(row * w, row * w + w), at);
  }
}

/** A tile of one value becomes that number: an empty or full picture costs nothing to remember. */
export function packTile(content) {
  const first = content[0];
  for (let i = 1; i < content.length; i++) if (content[i] !== first) return content;
  return first;
}

/** Indices of the tiles that a pixel box touches. @param {{left,top,right,bottom}} box */
export function tilesIn(grid, box) {
  const left = Math.max(0, Math.floor(box.left / TILE));
  const top = Math.max(0, Math.floor(box.top / TILE));
  const right = Math.min(grid.columns, Math.ceil(Math.min(box.right, grid.width) / TILE));
  const bottom = Math.ceil(Math.min(box.bottom, grid.height) / TILE);
  const found = [];
  for (let ty = top; ty < bottom; ty++) {
    for (let tx = left; tx < right; tx++) found.push(ty * grid.columns + tx);
  }
  return found;
}

function sameBytes(a, b) {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const bytesOf = (step) => {
  let bytes = 0;
  for (const tile of step.values()) bytes += typeof tile === "number" ? 16 : tile.length;
  return bytes;
};

export class TileHistory {
  /** @param {object} grid @param {number} capBytes oldest steps go when the stored tiles exceed it */
  constructor(grid, capBytes) {
    this.grid = grid;
    this.capBytes = capBytes;
    this.undoSteps = [];
    this.redoSteps = [];
    this.bytes = 0;
    this.open = null;
  }

  begin() {
    this.open = new Map();
  }

  /** Remember tile `index` before its first change in this step. @returns {Uint8Array} its bytes then */
  touch(index) {
    let before = this.open.get(index);
    if (!before) {
      before = copyTile(this.grid, index);
      this.open.set(index, before);
    }
    return before;
  }

  /** Close the step. @returns {number[]} the tiles that really changed; none means no step is kept */
  commit() {
    const step = new Map();
    for (const [index, before] of this.open) {
      if (!sameBytes(before, copyTile(this.grid, index))) step.set(index, packTile(before));
    }
    this.open = null;
    if (!step.size) return [];
    this.#forget(this.redoSteps.splice(0));
    this.undoSteps.push(step);
    this.bytes += bytesOf(step);
    while (this.bytes > this.capBytes && this.undoSteps.length > 1) {
      this.#forget([this.undoSteps.shift()]);
    }
    return [...step.keys()];
  }

  /** Put everything back as it was at begin(). @returns {number[]} the tiles written */
  rollback() {
    const written = [...this.open.keys()];
    for (const [index, before] of this.open) writeTile(this.grid, index, before);
    this.open = null;
    return written;
  }

  /** @returns {number[]} the tiles written */
  undo() {
    return this.#swap(this.undoSteps, this.redoSteps);
  }

  /** @returns {number[]} the tiles written */
  redo() {
    return this.#swap(this.redoSteps, this.undoSteps);
  }

  /** Drop all steps. */
  forget() {
    this.#forget(this.undoSteps.splice(0));
    this.#forget(this.redoSteps.splice(0));
  }

  #swap(from, to) {
    const step = from.pop();
    if (!step) return [];
    const back = new Map();
    for (const [index, content] of step) {
      back.set(index, packTile(copyTile(this.grid, index)));
      writeTile(this.grid, index, content);
    }
    to.push(back);
    this.bytes += bytesOf(back) - bytesOf(step);
    return [...step.keys()];
  }

  #forget(steps) {
    for (const step of steps) this.bytes -= bytesOf(step);
  }
}
