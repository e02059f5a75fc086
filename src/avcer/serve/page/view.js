// The span of time that ribbon and curves show, in seconds of the file's own clock.
export class View {
  constructor(from, to, changed) {
    Object.assign(this, { min: from, max: Math.max(to, from + 0.1), changed });
    this.from = this.min;
    this.to = this.max;
  }

  get span() { return this.to - this.from; }

  set(from, to) {
    const span = Math.max(Math.min(to - from, this.max - this.min), 0.1);
    this.from = Math.max(Math.min(from, this.max - span), this.min);
    this.to = this.from + span;
    this.changed();
  }

  whole() { this.set(this.min, this.max); }
  zoom(factor, about = (this.from + this.to) / 2) {
    this.set(about - (about - this.from) / factor, about + (this.to - about) / factor);
  }
  pan(seconds) { this.set(this.from + seconds, this.to + seconds); }

  /** Turns the page when the playhead leaves it. */
  follow(time) {
    if (time < this.from || time > this.to) this.set(time - 0.05 * this.span, time + 0.95 * this.span);
  }

  /** Wheel: zoom about the pointer; sideways or with shift: pan. */
  wheel(event, about, secondsEachPixel) {
    event.preventDefault();
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0;
    if (sideways) this.pan(sideways * secondsEachPixel);
    else this.zoom(Math.exp(-event.deltaY / 400), about);
  }
}

/** Below this many pixels, names stand above what they name instead of beside it. */
export const NARROW = 600;

/** Pixels to the left and right of the time that ribbon and curves draw: the same, so that a moment is below itself. */
export function margins(width) { return { left: width < NARROW ? 34 : 96, right: 18 }; }

/** Times for an axis, about `room` pixels apart. */
export function ticks(from, to, width, room = 90) {
  const least = (to - from) * room / Math.max(width, 1);
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200].find((one) => one >= least) ?? 14400;
  const found = [];
  for (let at = Math.ceil(from / step - 1e-9) * step; at <= to; at += step) found.push(at);
  return { found, decimals: step < 0.1 ? 2 : step < 1 ? 1 : 0 };
}
