// The video, locked to the frames of the analysis by their time stamps.

/** Time stamps of a player and of a file agree to rounding; a frame that is further off belongs to another clock. */
const EXACT_S = 0.002;
const MISSES = 5;

export class Player {
  /** `shown(frame)` is called for each frame that the screen shows; -1 outside the analysed span. */
  constructor(video, data, shown, misses) {
    Object.assign(this, { video, data, shown, misses });
    this.offset = data.zero;
    this.frame = -1;
    this.wanted = null;
    this.pending = null;
    this.loop = null;
    this.missed = 0;
    this.closed = false;
    this.exact = "requestVideoFrameCallback" in video;
    this.calibrated = false;
    this.listeners = new AbortController();
    video.addEventListener("seeked", () => this.#goOn(), { signal: this.listeners.signal });
    if (this.exact) this.#watch(); else this.#poll();
  }

  close() { this.closed = true; this.listeners.abort(); }

  /** Before another file of the same clip is loaded. */
  reset() { this.calibrated = false; this.pending = null; this.missed = 0; }

  get time() { return this.video.currentTime + this.offset; }

  #watch() {
    this.video.requestVideoFrameCallback((_, told) => {
      if (this.closed) return;
      this.#watch();
      if (!this.calibrated) {
        // The first picture that a player shows is the file's first frame, whatever it calls that moment.
        this.calibrated = true;
        if (this.video.currentTime < 0.5) this.offset = this.data.first_s - told.mediaTime;
      }
      this.#show(told.mediaTime + this.offset, true);
    });
  }

  #poll() {
    if (this.closed) return;
    requestAnimationFrame(() => this.#poll());
    if (this.video.readyState < 2 || this.video.seeking) return;
    const frame = this.data.frameAt(this.time);
    if (frame !== this.frame) this.#show(this.time, false);
  }

  #show(time, stamped) {
    const { data } = this;
    const frame = stamped ? data.nearest(time) : data.frameAt(time);
    if (stamped && frame >= 0 && Math.abs(data.times[frame] - time) > Math.max(EXACT_S, 0.1 * (data.ends[frame] - data.times[frame]))) {
      this.missed += 1;
      if (this.missed === MISSES) this.misses();
    }
    this.frame = frame;
    if (this.wanted === frame) this.wanted = null;
    this.shown(frame);
    if (this.loop && !this.video.paused && (frame >= 0 ? data.ends[frame] : time) >= this.loop.to - EXACT_S) this.seek(this.loop.from + EXACT_S);
  }

  #goOn() {
    if (this.pending !== null) {
      const target = this.pending;
      this.pending = null;
      this.video.currentTime = target;
    } else if (!this.video.paused) this.wanted = null;
  }

  #go(target) {
    const end = Number.isFinite(this.video.duration) ? this.video.duration - 1e-3 : target;
    const inside = Math.max(Math.min(target, end), 0);
    if (this.video.seeking) this.pending = inside; else this.video.currentTime = inside;
  }

  /** To the middle of a frame's time: its edges belong to two frames, by rounding. */
  seekFrame(frame) {
    if (!this.data.times.length) return;
    const found = Math.max(Math.min(frame, this.data.times.length - 1), 0);
    this.wanted = found;
    this.#go(this.data.middle(found) - this.offset);
  }

  /** To the frame that is shown at a moment. */
  seek(time) {
    const frame = this.data.frameAt(time);
    if (frame >= 0) this.seekFrame(frame);
    else { this.wanted = null; this.#go(time - this.offset); }
  }

  step(frames) {
    this.video.pause();
    const base = this.wanted ?? this.frame;
    if (base >= 0) this.seekFrame(base + frames); else this.seek(this.time);
  }

  toggle() { if (this.video.paused) { this.wanted = null; return this.video.play(); } return this.video.pause(); }
}
