// The columns of an analysis. All times are seconds of the file's own clock; `zero` is where a player's begins.
export const NOT_DECIDED = -2;
export const SHARE = 250, MISSING = 255;
const NO_BOX = 0xffff, BOX_STEPS = 4;
const TYPES = { float64: Float64Array, uint32: Uint32Array, int16: Int16Array, uint16: Uint16Array, uint8: Uint8Array };

/** The last place in a rising array whose value is not above `value`; -1 before the first. */
export function place(values, value) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1; else high = middle;
  }
  return low - 1;
}

export class Data {
  constructor(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    const base = Math.ceil((4 + length) / 8) * 8;
    const column = (told) => new TYPES[told.type](buffer, base + told.at, told.length);
    Object.assign(this, head);
    this.zero = head.zero_s;
    this.times = column(head.times);
    this.ends = column(head.ends);
    this.faces = head.faces.map((face) => ({
      id: face.id, frames: column(face.frames), classes: column(face.classes), probability: column(face.probability),
      boxes: column(face.boxes),
      curves: Object.fromEntries(Object.entries(face.curves).map(([name, told]) => [name, column(told)])),
    }));
    this.from = this.times.length ? Math.min(this.times[0], this.zero) : 0;
    this.to = this.times.length ? this.ends[this.ends.length - 1] : 1;
  }

  /** The frame that is shown at a moment; -1 outside. */
  frameAt(time) {
    const found = place(this.times, time + 5e-4);
    return found >= 0 && time <= this.ends[found] + 5e-4 ? found : -1;
  }

  /** The frame whose time stamp is nearest; -1 where none is within its own length. */
  nearest(time) {
    const before = place(this.times, time);
    const after = Math.min(before + 1, this.times.length - 1);
    const found = before >= 0 && time - this.times[before] <= this.times[after] - time ? before : before < 0 || after > before ? after : before;
    const lasts = this.ends[found] - this.times[found];
    return Math.abs(time - this.times[found]) <= lasts ? found : -1;
  }

  middle(frame) { return (this.times[frame] + this.ends[frame]) / 2; }

  /** The row of a face on a frame; -1 where it has none. */
  row(face, frame) {
    const guess = frame - face.frames[0];
    if (face.frames[guess] === frame) return guess;
    const found = place(face.frames, frame);
    return face.frames[found] === frame ? found : -1;
  }

  box(face, row) {
    const at = 4 * row;
    if (face.boxes[at] === NO_BOX) return null;
    return [0, 1, 2, 3].map((side) => face.boxes[at + side] / BOX_STEPS);
  }

  label(face, row) {
    const index = face.classes[row];
    return index === NOT_DECIDED ? null : index < 0 ? "none" : this.labels[index];
  }

  /** What a source says of a face in a row, by emotion; null where it says nothing. */
  shares(face, source, row) {
    const values = face.curves[source], rows = face.frames.length;
    if (!values || values[row] === MISSING) return null;
    return this.basic.map((_, emotion) => values[emotion * rows + row] / SHARE);
  }

  /** Width and height of a frame. */
  size(frame) {
    let found = this.sizes[0];
    for (const run of this.sizes) if (run[0] <= frame) found = run;
    return [found[1], found[2]];
  }
}
