// A lane of labels for each face, with the markers of a person and the playhead.
import { clock, ink, once, sharp } from "./dom.js";
import { NARROW, margins, ticks } from "./view.js";

const LANE = 30, GAP = 8, HEAD = 22;

export class Ribbon {
  /** `lanes()` gives `[{person, name, segments}]`; `picked(segment, time)` is told of clicks. */
  constructor(canvas, view, zero, colours, lanes, markers, picked) {
    Object.assign(this, { canvas, view, zero, colours, lanes, markers, picked });
    this.draw = once(() => this.#draw());
    this.time = null;
    this.selected = null;
    this.matches = () => true;
    this.#listen();
  }

  get narrow() { return this.canvas.clientWidth < NARROW; }
  get left() { return margins(this.canvas.clientWidth).left; }
  get room() { return this.canvas.clientWidth - this.left - margins(this.canvas.clientWidth).right; }
  x(time) { return this.left + (time - this.view.from) / this.view.span * this.room; }
  at(x) { return this.view.from + (x - this.left) / this.room * this.view.span; }

  #draw() {
    const lanes = this.lanes();
    const above = this.narrow ? 15 : 0;
    const height = HEAD + lanes.length * (LANE + GAP + above) + 4;
    if (this.canvas.style.height !== `${height}px`) this.canvas.style.height = `${height}px`;
    const width = this.canvas.clientWidth;
    const context = sharp(this.canvas, width, height);
    this.boxes = [];
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    this.#axis(context, width, height);
    lanes.forEach((lane, number) => this.#lane(context, lane, HEAD + number * (LANE + GAP + above) + above));
    for (const marker of this.markers()) this.#line(context, marker.time_s, height, ink("marker"), marker.text);
    if (this.time !== null) this.#line(context, this.time, height, ink("accent"));
  }

  #axis(context, width, height) {
    const { found, decimals } = ticks(this.view.from - this.zero, this.view.to - this.zero, this.room);
    context.fillStyle = ink("soft");
    context.strokeStyle = ink("line");
    context.lineWidth = 1;
    for (const tick of found) {
      const x = Math.round(this.x(tick + this.zero)) + 0.5;
      context.beginPath();
      context.moveTo(x, HEAD - 5);
      context.lineTo(x, height);
      context.stroke();
      const text = clock(tick, decimals);
      context.fillText(text, Math.min(x + 3, width - context.measureText(text).width - 2), 9);
    }
  }

  #lane(context, lane, top) {
    context.fillStyle = ink("ink");
    if (this.narrow) context.fillText(lane.name, this.left, top - 8);
    else context.fillText(shortened(context, lane.name, this.left - 10), 0, top + LANE / 2);
    context.fillStyle = ink("lane");
    context.fillRect(this.left, top, this.room, LANE);
    context.save();
    context.beginPath();
    context.rect(this.left, top - 3, this.room, LANE + 6);
    context.clip();
    let edge = -1;
    for (const segment of lane.segments) {
      if (segment.end < this.view.from) continue;
      if (segment.start > this.view.to) break;
      const [x1, x2] = [this.x(segment.start), this.x(segment.end)];
      if (x2 <= edge && segment !== this.selected) continue; // narrower than a pixel, and hidden by the one before
      edge = Math.max(edge, Math.ceil(x1 + 0.5));
      this.#segment(context, segment, x1, Math.max(x2 - x1 - 0.5, 0.8), top);
      this.boxes.push({ segment, x1, x2: Math.max(x2, x1 + 1), top });
    }
    context.restore();
  }

  #segment(context, segment, x, wide, top) {
    context.globalAlpha = this.matches(segment) ? 1 : 0.18;
    const colours = this.colours(segment.label);
    colours.forEach((colour, number) => {
      context.fillStyle = colour;
      context.fillRect(x, top + number * LANE / colours.length, wide, LANE / colours.length);
    });
    if (segment.person) {
      context.fillStyle = ink("ink");
      context.fillRect(x, top + LANE, wide, 3);
    }
    if (wide > 34 && segment.label !== "none") {
      const text = shortened(context, `${segment.person ? "\u2713 " : ""}${segment.label}`, wide - 12);
      if (text) {
        context.fillStyle = "rgba(12, 15, 20, .82)";
        context.beginPath();
        context.roundRect(x + 3, top + 6, Math.min(context.measureText(text).width + 8, wide - 4), LANE - 12, 4);
        context.fill();
        context.fillStyle = "#fff";
        context.fillText(text, x + 7, top + LANE / 2 + 0.5);
      }
    }
    if (segment === this.selected) {
      context.strokeStyle = ink("ink");
      context.lineWidth = 2.5;
      context.strokeRect(x, top - 0.5, wide, LANE + 1);
    }
    context.globalAlpha = 1;
  }

  #line(context, time, height, colour, text) {
    if (time < this.view.from || time > this.view.to) return;
    const x = this.x(time);
    context.fillStyle = colour;
    context.fillRect(x - 1, text === undefined ? 0 : HEAD - 8, 2, height);
    if (text) {
      context.beginPath();
      context.arc(x, HEAD - 6, 4, 0, 7);
      context.fill();
    }
  }

  #listen() {
    let start = null;
    const place = (event) => event.clientX - this.canvas.getBoundingClientRect().left;
    this.canvas.addEventListener("pointerdown", (event) => {
      start = { x: place(event), from: this.view.from, moved: false };
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!start) return;
      const moved = place(event) - start.x;
      if (Math.abs(moved) > 4) start.moved = true;
      if (start.moved) {
        const from = start.from - moved / this.room * this.view.span;
        this.view.set(from, from + this.view.span);
      }
    });
    this.canvas.addEventListener("pointerup", (event) => {
      if (start && !start.moved) this.#click(place(event), event.clientY - this.canvas.getBoundingClientRect().top);
      start = null;
    });
    this.canvas.addEventListener("dblclick", () => {
      if (this.selected) this.view.set(this.selected.start - 0.5, this.selected.end + 0.5);
    });
    this.canvas.addEventListener("wheel", (event) => {
      this.view.wheel(event, this.at(place(event)), this.view.span / this.room);
    }, { passive: false });
  }

  #click(x, y) {
    if (x < this.left || x > this.left + this.room) return;
    const found = this.boxes.filter((box) => x >= box.x1 - 1 && x <= box.x2 + 1 && y >= box.top - 2 && y <= box.top + LANE + 3);
    this.picked(found[found.length - 1]?.segment ?? null, this.at(x));
  }
}

function shortened(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let kept = text;
  while (kept && context.measureText(`${kept}\u2026`).width > room) kept = kept.slice(0, -1);
  return kept.length > 1 ? `${kept}\u2026` : "";
}
