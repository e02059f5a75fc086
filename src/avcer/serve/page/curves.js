// The curves of the seven emotions, a chart for each face that is chosen. What does not fit on the screen is averaged.
import { clock, ink, make, once } from "./dom.js";
import { MISSING, SHARE, place } from "./data.js";
import { margins, ticks } from "./view.js";

/** Rows of `pieces` ([face, first row, end row], rising in time) between two times, as means of about `width` stretches. */
export function binned(data, pieces, source, from, to, width) {
  const x = [], y = data.basic.map(() => []);
  let last = null;
  for (const [face, first, end] of pieces) {
    const values = face.curves[source], rows = face.frames.length;
    let low = Math.max(rowFrom(data, face, from) - 1, first);
    const high = Math.min(rowFrom(data, face, to) + 2, end);
    const stride = Math.max(Math.floor((high - low) / width), 1);
    for (; low < high; low += stride) {
      const stop = Math.min(low + stride, high);
      if (last !== null && face.frames[low] > last + 1) gap(x, y, data.times[face.frames[low]] - data.zero);
      last = face.frames[stop - 1];
      x.push((data.times[face.frames[low]] + data.ends[last]) / 2 - data.zero);
      for (let emotion = 0; emotion < y.length; emotion += 1) {
        let sum = 0, count = 0;
        for (let row = low; row < stop; row += 1) {
          const value = values[emotion * rows + row];
          if (value !== MISSING) { sum += value; count += 1; }
        }
        y[emotion].push(count ? sum / count / SHARE : null);
      }
    }
  }
  return [x, ...y];
}

function rowFrom(data, face, time) { return place(face.frames, Math.max(place(data.times, time), 0)) + 1; }

function gap(x, y, time) {
  x.push(time);
  for (const values of y) values.push(null);
}

export class Curves {
  /** `people()` gives `[{person, name, pieces}]` to draw; `seek(time)` is told of clicks. */
  constructor(root, data, view, people, seek) {
    Object.assign(this, { root, data, view, people, seek });
    this.charts = [];
    this.source = "fused";
    this.hidden = new Set();
    this.redraw = once(() => this.#redraw());
    new ResizeObserver(once(() => this.#resize())).observe(root);
  }

  /** After faces, their names, the theme or the source have changed. */
  build() {
    for (const chart of this.charts) chart.plot.destroy();
    this.charts = this.people().map((one) => this.#chart(one));
    this.root.replaceChildren(...this.charts.map((chart) => chart.box));
    this.#resize();
  }

  mark(time) {
    this.time = time;
    for (const chart of this.charts) this.#playhead(chart);
  }

  #chart(one) {
    const place = make("div", { class: "plot" });
    const box = make("figure", {}, make("figcaption", {}, one.name), place);
    const chart = { ...one, box, place, head: make("div", { class: "playhead" }) };
    chart.plot = new uPlot(this.#options(chart), [[], ...this.data.basic.map(() => [])], place);
    chart.plot.over.append(chart.head);
    return chart;
  }

  #options(chart) {
    const { view, data } = this;
    const axis = { stroke: ink("soft"), grid: { stroke: ink("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return {
      width: 300, height: 150, legend: { show: false }, padding: [6, (plot) => margins(plot.width).right, 0, 0],
      scales: { x: { time: false, range: () => [view.from - data.zero, view.to - data.zero] }, y: { range: [0, 1] } },
      axes: [
        { ...axis, size: 24, gap: 2, splits: (plot) => ticks(view.from - data.zero, view.to - data.zero, plot.width).found,
          values: (plot, splits) => splits.map((split) => clock(split, ticks(view.from - data.zero, view.to - data.zero, plot.width).decimals)) },
        { ...axis, size: (plot) => margins(plot.width).left, splits: () => [0, 0.5, 1], values: () => ["0", ".5", "1"] },
      ],
      series: [{}, ...data.basic.map((name) => ({ stroke: data.colours[name], width: 1.8, points: { show: false }, show: !this.hidden.has(name), spanGaps: false }))],
      cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false, setScale: false, dist: 5 } },
      hooks: { setSelect: [(plot) => this.#selected(plot)], ready: [(plot) => this.#listen(plot, chart)] },
    };
  }

  #selected(plot) {
    if (plot.select.width < 5) return;
    const [from, to] = [plot.select.left, plot.select.left + plot.select.width].map((x) => plot.posToVal(x, "x") + this.data.zero);
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.view.set(from, to);
  }

  #listen(plot) {
    let down = 0;
    plot.over.addEventListener("pointerdown", (event) => { down = event.clientX; });
    plot.over.addEventListener("click", (event) => {
      if (Math.abs(event.clientX - down) < 5) this.seek(plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x") + this.data.zero);
    });
    plot.over.addEventListener("wheel", (event) => {
      const about = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x") + this.data.zero;
      this.view.wheel(event, about, this.view.span / plot.over.clientWidth);
    }, { passive: false });
  }

  toggle(name) {
    if (!this.hidden.delete(name)) this.hidden.add(name);
    for (const chart of this.charts) chart.plot.setSeries(this.data.basic.indexOf(name) + 1, { show: !this.hidden.has(name) });
  }

  #redraw() {
    const { view } = this;
    for (const chart of this.charts) {
      const width = Math.max(chart.plot.over.clientWidth, 200);
      chart.plot.setData(binned(this.data, chart.pieces, this.source, view.from, view.to, width), true);
      this.#playhead(chart);
    }
  }

  #playhead({ plot, head }) {
    const inside = this.time !== undefined && this.time >= this.view.from && this.time <= this.view.to;
    head.hidden = !inside;
    if (inside) head.style.transform = `translateX(${plot.valToPos(this.time - this.data.zero, "x")}px)`;
  }

  #resize() {
    for (const { plot, place } of this.charts) {
      if (place.clientWidth && place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: 150 });
    }
    this.#redraw();
  }
}
