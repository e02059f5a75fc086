// The video, locked to the frames of the analysis by their time stamps.

/** The time stamp of the picture that the element shows right now; null where the browser does not tell. A callback's
 * own `mediaTime` may be a picture late: the screen goes on while a busy page waits. */
function stampOf(video) {
  if (!("VideoFrame" in window)) return null;
  try {
    const picture = new VideoFrame(video);
    const stamp = picture.timestamp / 1e6;
    picture.close();
    return stamp;
  } catch { return null; }
}

/** Whether the browser's pictures tell no time: Firefox says 0 of each, and its callbacks tell the player's clock. */
function timeless(video, mediaTime) {
  if (!("VideoFrame" in window) || mediaTime < 0.2) return false;
  try {
    const picture = new VideoFrame(video);
    const none = picture.timestamp <= 2 && picture.duration === null;
    picture.close();
    return none;
  } catch { return false; }
}

/** Time stamps of a player and of a file agree to rounding; a frame that is further off belongs to another clock. */
const EXACT_S = 0.002;
const MISSES = 5;
/** The first picture is there before a player has got further, and its stamp is that of the first frame or about 0. */
const BEGINNING_S = 0.5;
/** Browsers guess how long a frame of WebM lasts, and may show its neighbour; so many corrections of one seek. */
const TRIES = 14;
const ROUNDS = 3;
const NEAR = 3;
/** Without a picture for so long after a seek, it has led to the same one again. */
const SILENT_MS = 500;
const SETTLED_MS = 80;

export class Player {
  /**
   * `shown(frame)` is called for each frame that is shown; -1 outside the analysed span. `paint()` copies the picture
   * that the element shows, so that what is drawn over it cannot belong to another. `misses()`: its time stamps are not
   * those of the analysis; `unsure()`: it does not tell which frame it shows.
   */
  constructor(video, data, paint, shown, misses, unsure) {
    Object.assign(this, { video, data, paint, shown, misses, unsure });
    this.offset = data.zero;
    this.frame = -1;
    this.wanted = null; // the frame that was sought; kept while it is shown: browsers may paint a neighbour afterwards
    this.pending = null;
    this.loop = null;
    this.missed = 0;
    this.tries = 0;
    this.aim = 0;
    this.sought = 0;
    this.answered = true;
    this.closed = false;
    this.exact = "requestVideoFrameCallback" in video;
    this.calibrated = false;
    this.known = false; // whether the first picture told what the player's clock says of the file's
    this.listeners = new AbortController();
    video.addEventListener("seeked", () => this.#goOn(), { signal: this.listeners.signal });
    if (this.exact) this.#watch(); else this.#goByClock();
  }

  close() { this.closed = true; this.listeners.abort(); }

  /** Before another file of the same clip is loaded. */
  reset() { this.calibrated = false; this.pending = null; this.missed = 0; }

  get time() { return this.video.currentTime + this.offset; }

  #watch() {
    this.video.requestVideoFrameCallback((_, told) => {
      if (this.closed) return;
      if (timeless(this.video, told.mediaTime)) return this.#goByClock();
      this.#watch();
      const stamp = this.#painted(told.mediaTime);
      if (!this.calibrated) this.#calibrate(stamp);
      this.#show(stamp + this.offset, true);
    });
  }

  /** The first picture that a player shows is the file's first frame, whatever it calls that moment: a player of a clip
   * whose time stamps start late may begin at 0 or at the first stamp. */
  #calibrate(stamp) {
    this.calibrated = true;
    const late = stamp - this.data.first_s;
    this.known = this.video.currentTime < BEGINNING_S || Math.abs(late) < BEGINNING_S;
    if (this.known) this.offset = -late;
  }

  /** From now on the player's clock decides which frame is shown. */
  #goByClock() {
    this.exact = false;
    this.offset = this.data.zero;
    this.paint(false);
    this.unsure();
    this.#poll();
    if (this.wanted !== null) this.seekFrame(this.wanted); // what was sought by the other clock
  }

  /** Copies the picture; the time stamp of what was copied: asked before and after, it must be one. */
  #painted(mediaTime) {
    for (let tries = 0; tries < 4; tries += 1) {
      const before = stampOf(this.video);
      if (before === null) break;
      this.paint(true);
      if (stampOf(this.video) === before) return before;
    }
    this.paint(false);
    return mediaTime;
  }

  /** Copies and draws the shown frame anew, as after a change of size. */
  again() { if (this.exact && this.frame >= 0 && this.video.readyState >= 2 && !this.video.seeking) this.#show(this.#painted(this.data.times[this.frame] - this.offset) + this.offset, true); }

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
    if (stamped && this.#isMiss(frame, time)) {
      this.missed += 1;
      if (this.missed === MISSES) this.misses();
    }
    this.frame = frame;
    this.answered = true;
    this.shown(frame);
    this.#correct();
    if (this.loop && !this.video.paused && (frame >= 0 ? data.ends[frame] : time) >= this.loop.to - EXACT_S) this.seek(this.loop.from + EXACT_S);
  }

  /** Whether the stamp of a picture is none of the analysis: beside a frame's, or no frame's. Pictures outside the
   * analysed span have none either; where the clock is not known, nobody can tell which those are. */
  #isMiss(frame, time) {
    const { times, ends } = this.data;
    if (frame >= 0) return Math.abs(times[frame] - time) > Math.max(EXACT_S, 0.1 * (ends[frame] - times[frame]));
    return times.length > 0 && (!this.known || (time > times[0] && time < ends[ends.length - 1]));
  }

  #goOn() {
    if (this.pending !== null) {
      const target = this.pending;
      this.pending = null;
      this.video.currentTime = target;
    } else if (!this.video.paused) this.wanted = null;
    else if (this.wanted !== null) this.#listen(this.answered ? SETTLED_MS : SILENT_MS);
  }

  /** A picture that came before the word that the seek is over may be that of an earlier seek, and a seek that leads to
   * the same picture again is answered by none: what is shown after a while counts. */
  #listen(while_ms) {
    const asked = this.sought;
    setTimeout(() => { if (this.sought === asked) this.#correct(true); }, while_ms);
  }

  /** Seeks once more where a neighbour of the wanted frame is shown: see #aimAgain. */
  #correct(silent = false) {
    const { video, data, wanted, frame } = this;
    if (this.closed || wanted === null || frame < 0 || frame === wanted || video.seeking || !video.paused || this.pending !== null) return;
    const near = Math.abs(frame - wanted) <= NEAR;
    if (!near && !silent) return; // a picture of before the seek
    if (this.tries === ROUNDS * TRIES) { this.wanted = null; return; }
    if (this.tries && this.tries % TRIES === 0) this.#aimAtMiddle(); // led astray by a picture of another seek
    this.tries += 1;
    if (near) this.#aimAgain();
    this.#go(this.aim + (near ? 0 : 1e-4));
  }

  /** Between the last aims that led too early and too late; before both are known, by as much as it was off. */
  #aimAgain() {
    const { data, wanted, frame } = this;
    if (frame < wanted) this.early = Math.max(this.early, this.aim); else this.late = Math.min(this.late, this.aim);
    if (this.early > -Infinity && this.late < Infinity) this.aim = (this.early + this.late) / 2;
    else this.aim += data.middle(wanted) - data.middle(frame);
  }

  #go(target) {
    const end = Number.isFinite(this.video.duration) ? this.video.duration - 1e-3 : target;
    const inside = Math.max(Math.min(target, end), 0);
    this.answered = false;
    this.sought += 1;
    if (this.video.seeking) this.pending = inside; else this.video.currentTime = inside;
  }

  /** To the middle of a frame's time: its edges belong to two frames, by rounding. */
  seekFrame(frame) {
    if (!this.data.times.length) return;
    const found = Math.max(Math.min(frame, this.data.times.length - 1), 0);
    this.wanted = found;
    this.tries = 0;
    this.#aimAtMiddle();
    this.#go(this.aim);
  }

  #aimAtMiddle() {
    [this.early, this.late] = [-Infinity, Infinity];
    this.aim = this.data.middle(this.wanted) - this.offset;
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
