// The studio of one job: puts player, boxes, ribbon, curves and tables together, and keeps them at one moment.
import { call, json } from "./api.js";
import { Curves } from "./curves.js";
import { Data } from "./data.js";
import { $, clock, guarded, make, once, say } from "./dom.js";
import { Edits } from "./edits.js";
import { bindKeys } from "./keys.js";
import { Overlay } from "./overlay.js";
import { palette, themed } from "./palette.js";
import { Panels } from "./panels.js";
import { Player } from "./player.js";
import { Ribbon } from "./ribbon.js";
import { View } from "./view.js";

const MOST_CHARTS = 6;

export async function openStudio(job) {
  say("Loading");
  const base = `/api/jobs/${job}`;
  const data = new Data(await (await call(`${base}/studio`)).arrayBuffer());
  const studio = new Studio(base, data);
  await studio.start();
  say(`${data.name} is open`);
  return studio;
}

class Studio {
  constructor(base, data) {
    Object.assign(this, { base, data });
    this.off = new AbortController();
    this.given = data.colours;
    this.theme();
    this.selected = null; // a segment
    this.person = null;
    this.hidden = new Set(); // people whose lanes and charts are not shown
    this.shownAt = 0;
  }

  /** Of a label, the colours for the light or the dark page. */
  theme() {
    this.data.colours = themed(this.given);
    this.named = palette(this.data.colours, this.data.compounds);
    this.colours = (label) => this.named(label);
  }

  listen(target, event, action) { target.addEventListener(event, guarded(action), { signal: this.off.signal }); }

  async start() {
    const { data } = this;
    $("title").textContent = data.name;
    document.title = `${data.name} - avcer`;
    const [width, height] = data.size(0);
    $("stage").style.aspectRatio = String(Math.max(Math.min(width / height, 2.4), 1));
    $("note").hidden = !data.warnings.length;
    $("note").textContent = data.warnings.join("; ");
    this.edits = new Edits(this.base, data, (text) => { say(text); this.refresh(); });
    await this.edits.load();
    const people = this.edits.people.filter((one) => one.person !== null).sort((one, other) => rows(other) - rows(one));
    this.person = data.primary ?? people[0]?.person ?? null;
    for (const one of people.slice(MOST_CHARTS)) this.hidden.add(one.person);
    this.view = new View(data.from, data.to, () => { this.ribbon.draw(); this.curves.redraw(); this.panels.curveTable(); });
    this.ribbon = new Ribbon($("ribbon"), this.view, data.zero, (label) => this.colours(label), () => this.lanes(), () => this.edits.doc.markers,
      (segment, time) => { if (segment) this.select(segment, false); this.player.seek(time); });
    this.curves = new Curves($("curves"), data, this.view, () => this.charts(), (time) => this.player.seek(time));
    this.overlay = new Overlay($("overlay"), $("video"), data, (label) => this.colours(label), (frame) => this.facesOn(frame));
    this.panels = new Panels(this);
    this.ribbon.matches = (segment) => this.panels.matches(segment);
    this.player = new Player($("video"), data, (wanted) => this.overlay.paint(wanted), (frame) => this.show(frame), () => this.mismatch(),
      () => say("This browser does not tell which frame it shows; boxes and labels go by its clock and may be a frame off"));
    this.controls();
    bindKeys(this);
    this.refresh();
    this.load(`${this.base}/clip`);
  }

  close() {
    this.off.abort();
    this.player?.close();
    this.panels?.close();
    $("video").removeAttribute("src");
    $("video").load();
  }

  // The picture ------------------------------------------------------------------------------------------------------

  load(source) {
    this.player.reset();
    this.overlay.paint(false);
    $("waiting").hidden = true;
    $("video").src = source;
  }

  controls() {
    const video = $("video");
    this.listen(video, "error", () => { if (video.getAttribute("src")) return this.copy("This browser does not play the clip as it is."); });
    this.listen(video, "loadeddata", () => { if (!video.videoWidth) return this.copy("This browser does not show the clip's picture."); });
    this.listen(video, "play", () => this.playing());
    this.listen(video, "pause", () => { this.playing(); this.settle(); });
    this.listen(video, "ended", () => this.playing());
    this.listen($("play"), "click", () => this.player.toggle());
    this.listen($("back"), "click", () => this.player.step(-1));
    this.listen($("next"), "click", () => this.player.step(1));
    this.listen($("loop"), "click", () => this.loop());
    this.listen($("speed"), "change", () => { video.playbackRate = Number($("speed").value); });
    this.listen($("volume"), "input", () => { video.volume = Number($("volume").value); });
    this.listen($("helper"), "click", () => $("help").showModal());
    this.listen($("overlay"), "click", (event) => {
      const person = this.overlay.hit(event.clientX, event.clientY);
      if (person === undefined) return this.player.toggle();
      return this.choose(person);
    });
    this.listen($("zoom-in"), "click", () => this.view.zoom(2, this.zoomAbout()));
    this.listen($("zoom-out"), "click", () => this.view.zoom(0.5, this.zoomAbout()));
    this.listen($("whole"), "click", () => this.view.whole());
    this.listen($("mark"), "click", () => this.marker());
    this.listen($("undo"), "click", () => this.edits.undo());
    this.listen($("redo"), "click", () => this.edits.redo());
    this.listen($("source"), "change", () => { this.curves.source = $("source").value; this.curves.redraw(); this.panels.curveTable(); this.settle(); });
    const names = [["fused", "all together"], ...this.data.modalities.map((one) => [one.name, one.title])];
    $("source").replaceChildren(...names.map(([value, text]) => make("option", { value }, text)));
    this.legend();
    const resized = once(() => { this.overlay.draw(this.player.frame, this.person); this.ribbon.draw(); });
    const observer = new ResizeObserver(resized);
    observer.observe($("stage"));
    observer.observe($("ribbon"));
    this.off.signal.addEventListener("abort", () => observer.disconnect());
    this.listen(matchMedia("(prefers-color-scheme: dark)"), "change", () => { this.theme(); this.legend(); this.refresh(); });
  }

  legend() {
    $("legend").replaceChildren(...this.data.basic.map((name) => {
      const sample = make("span", { class: "sample" });
      sample.style.background = this.data.colours[name];
      const button = make("button", { type: "button", "aria-pressed": String(!this.curves.hidden.has(name)), onclick: () => {
        this.curves.toggle(name);
        button.setAttribute("aria-pressed", String(!this.curves.hidden.has(name)));
      } }, sample, name);
      return button;
    }));
  }

  playing() {
    const { paused } = $("video");
    $("play").textContent = paused ? "\u25b6\ufe0e" : "\u275a\u275a";
    $("play").setAttribute("aria-label", paused ? "Play" : "Pause");
  }

  /** A copy with the same time stamps, made by the service; plays it when it is there. */
  async copy(why) {
    if (this.copying) throw new Error("The copy cannot be played either; the boxes, curves and tables still work");
    this.copying = true;
    const [words, bar] = [$("waiting").querySelector("p"), $("waiting").querySelector("progress")];
    $("waiting").hidden = false;
    words.textContent = `${why} Making a copy with the same time stamps.`;
    say(words.textContent);
    let state = await json(`${this.base}/copy`, { method: "POST" });
    while (state.state === "making" && !this.off.signal.aborted) {
      if (state.total) bar.value = state.done / state.total; else bar.removeAttribute("value");
      await new Promise((done) => { setTimeout(done, 400); });
      state = await json(`${this.base}/copy`);
    }
    if (this.off.signal.aborted) return;
    bar.hidden = true;
    if (state.state === "failed") {
      words.textContent = `No copy could be made: ${state.error}`;
      throw new Error(words.textContent);
    }
    bar.hidden = false;
    say("The copy is ready");
    this.load(`${this.base}/copy/video`);
  }

  mismatch() {
    if (this.copying) return;
    guarded(() => this.copy("The browser's time stamps are not those of the analysis."))();
  }

  // One moment -------------------------------------------------------------------------------------------------------

  /** The screen shows a frame: everything that belongs to it follows. */
  show(frame) {
    this.overlay.draw(frame, this.person);
    const time = frame >= 0 ? this.data.times[frame] : this.player.time;
    this.ribbon.time = time;
    this.view.follow(time);
    this.ribbon.draw();
    this.curves.mark(time);
    const now = performance.now();
    if ($("video").paused || now - this.shownAt > 250) this.settle();
    else $("clock").textContent = this.clockText(frame, time);
  }

  /** What is too slow, or too much to listen to, for every frame. */
  settle() {
    this.shownAt = performance.now();
    const { frame } = this.player;
    $("clock").textContent = this.clockText(frame, frame >= 0 ? this.data.times[frame] : this.player.time);
    this.panels.now(frame);
  }

  clockText(frame, time) {
    return `${clock(time - this.data.zero)} / ${clock(this.data.to - this.data.zero, 0)}${frame >= 0 ? ` \u00b7 frame ${frame}` : ""}`;
  }

  /** The faces on a frame, with what is said of them there: a person's word goes before the machine's. */
  facesOn(frame) {
    const found = [];
    if (frame < 0) return found;
    const time = this.data.times[frame];
    for (const face of this.data.faces) {
      const row = this.data.row(face, frame);
      if (row < 0) continue;
      const person = this.edits.personAt(face.id, time);
      const judged = this.edits.judged(person, time);
      const sure = face.probability[row];
      found.push({
        face, row, person, name: this.edits.name(person), box: this.data.box(face, row), judged: judged !== undefined,
        label: judged?.label ?? this.data.label(face, row), probability: judged ? 1 : sure === 255 ? null : sure / 250,
      });
    }
    return found;
  }

  // What is shown ----------------------------------------------------------------------------------------------------

  get shownPeople() { return this.edits.people.filter((one) => !this.hidden.has(one.person)); }

  lanes() {
    return this.shownPeople.map(({ person, name }) => ({ person, name, segments: this.edits.segments.filter((one) => one.face === person) }));
  }

  charts() { return this.shownPeople.slice(0, MOST_CHARTS); }

  /** After a change of what a person says. */
  refresh() {
    if (this.selected) {
      const { face, start, end } = this.selected;
      const middle = (start + end) / 2;
      this.selected = this.edits.segments.find((one) => one.face === face && one.start <= middle && middle < one.end) ?? null;
    }
    this.ribbon.selected = this.selected;
    if (!this.edits.people.some((one) => one.person === this.person)) this.person = this.edits.people[0]?.person ?? null;
    $("undo").disabled = !this.edits.done.length;
    $("redo").disabled = !this.edits.undone.length;
    this.curves.build();
    this.ribbon.draw();
    this.panels.all();
    this.overlay.draw(this.player.frame, this.person);
  }

  choose(person) {
    this.person = person;
    this.overlay.draw(this.player.frame, person);
    const time = this.player.frame >= 0 ? this.data.times[this.player.frame] : null;
    const segment = time === null ? null : this.edits.segments.find((one) => one.face === person && one.start <= time && time < one.end);
    if (segment) this.select(segment, false);
    this.panels.faces();
    say(`${this.edits.name(person)} is chosen`);
  }

  /** Chooses a segment, and goes to its first frame if asked to. */
  select(segment, go = true) {
    this.selected = segment;
    this.ribbon.selected = segment;
    if (segment) this.person = segment.face;
    if (segment && this.player.loop) this.player.loop = { from: segment.start, to: segment.end };
    this.ribbon.draw();
    this.panels.editor();
    this.panels.segments();
    if (go && segment) this.player.seek(segment.start + 1e-4);
    else this.overlay.draw(this.player.frame, this.person);
  }

  /** To the segment before or after, of the chosen person, of those that pass the filter. */
  neighbour(way) {
    const time = this.player.frame >= 0 ? this.data.times[this.player.frame] : this.player.time;
    const list = this.edits.segments.filter((one) => one.face === this.person && this.panels.matches(one));
    const at = this.selected ? list.indexOf(this.selected) : -1;
    const next = at >= 0 ? list[at + way] : way > 0 ? list.find((one) => one.start > time) : list.findLast((one) => one.end <= time);
    if (next) this.select(next);
  }

  loop() {
    const { player, selected } = this;
    player.loop = player.loop || !selected ? null : { from: selected.start, to: selected.end };
    $("loop").setAttribute("aria-pressed", String(player.loop !== null));
    if (!player.loop) { say(selected ? "No loop" : "Choose a segment to loop"); return undefined; }
    say(`Loops ${selected.label}`);
    player.seek(selected.start + 1e-4);
    return $("video").paused ? player.toggle() : undefined;
  }

  async marker() {
    if (this.player.frame < 0) return;
    const time = this.data.times[this.player.frame];
    await this.edits.addMarker(time, `Marker ${this.edits.doc.markers.length + 1}`);
    this.panels.editMarker(time);
  }

  confirm() {
    const one = this.selected;
    if (!one) throw new Error("Choose a segment first");
    return this.edits.label(one.face, one.start, one.end, one.label);
  }

  /** Gives a segment other edges or another label; it stays the chosen one. */
  async relabel(one, start, end, label) {
    this.selected = { ...one, start, end }; // by its middle the refreshed one is found
    try { await this.edits.label(one.face, start, end, label, one.person ? one : null); } catch (error) {
      this.selected = one;
      this.refresh();
      throw error;
    }
  }

  hide(person, hidden) {
    if (hidden) this.hidden.add(person); else this.hidden.delete(person);
    this.curves.build();
    this.ribbon.draw();
  }

  zoomAbout() {
    const time = this.ribbon.time;
    return time !== null && time >= this.view.from && time <= this.view.to ? time : undefined;
  }
}

const rows = (one) => one.pieces.reduce((sum, [, from, to]) => sum + to - from, 0);
