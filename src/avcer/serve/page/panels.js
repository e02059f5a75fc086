// The tables and forms around the player.
import { $, clock, guarded, make, percent, say } from "./dom.js";
import { binned } from "./curves.js";
import { fit } from "./overlay.js";
import { Agreement } from "./agreement.js";
import { fillDownloads } from "./downloads.js";

const PAGE = 200, TABLE_ROWS = 40;
const option = (value, text = value) => make("option", { value }, text);
const swatch = (colours) => {
  const made = make("span", { class: "sample" });
  made.style.background = colours.length > 1 ? `linear-gradient(${colours[0]} 50%, ${colours[1]} 50%)` : colours[0];
  return made;
};

/** A bar that says a share without its number being read. */
function meter(share, colour) {
  const bar = make("i");
  bar.style.width = `${100 * share}%`;
  bar.style.background = colour;
  return make("span", { class: "meter", "aria-hidden": "true" }, bar);
}

export class Panels {
  constructor(studio) {
    this.studio = studio;
    this.shown = PAGE;
    const filter = $("filter");
    filter.reset();
    studio.listen(filter, "input", () => { this.shown = PAGE; this.segments(); studio.ribbon.draw(); });
    studio.listen(filter, "submit", (event) => event.preventDefault());
    studio.listen($("more"), "click", () => { this.shown += PAGE; this.segments(); });
    studio.listen($("curve-table").closest("details"), "toggle", () => this.curveTable());
    this.agreement = new Agreement(studio);
    fillDownloads(studio);
  }

  close() { $("crops").replaceChildren(); }

  all() { this.filters(); this.faces(); this.markers(); this.segments(); this.editor(); this.now(this.studio.player.frame); this.curveTable(); this.agreement.refresh(); }

  // On this frame ----------------------------------------------------------------------------------------------------

  now(frame) {
    const { studio } = this;
    const faces = studio.facesOn(frame);
    const source = $("source").value;
    const row = (title, cells, number = false) => make("tr", {}, make("th", { scope: "row" }, title),
      cells.map((cell, at) => make("td", { class: `${number ? "number" : ""} ${faces[at].person === studio.person ? "chosen" : ""}` }, cell)));
    const shares = faces.map((face) => studio.data.shares(face.face, source, face.row));
    $("now").tHead.replaceChildren(make("tr", {}, make("td", {}, faces.length ? "" : "No face here, and no voice alone"), faces.map((face) => make("th", { scope: "col" }, face.name))));
    $("now").tBodies[0].replaceChildren(...(faces.length ? [
      row("Label", faces.map((face) => [swatch(face.label ? studio.colours(face.label) : ["transparent"]), face.label ?? "not decided"])),
      row("Probability", faces.map((face) => (face.judged ? "by a person" : face.probability === null ? "" : percent(face.probability)))),
      ...studio.data.basic.map((name, emotion) => row([swatch(studio.colours(name)), name], shares.map((values) => (values ? [meter(values[emotion], studio.data.colours[name]), values[emotion].toFixed(2)] : "")), true)),
    ] : []));
    this.#crops(faces, frame);
  }

  /** The faces of the frame side by side, cut from the picture that is on the screen. */
  #crops(faces, frame) {
    const { studio } = this;
    const video = $("video");
    const seen = faces.filter((face) => face.box).slice(0, 8);
    const keep = new Map([...$("crops").children].map((one) => [one.dataset.person, one]));
    $("crops").replaceChildren(...seen.map((face) => {
      const made = keep.get(String(face.person)) ?? this.#crop(face.person);
      made.setAttribute("aria-pressed", String(face.person === studio.person));
      made.setAttribute("aria-label", `${face.name}: ${face.label ?? "not decided"}`);
      made.querySelector(".who").textContent = face.name;
      const bars = studio.data.shares(face.face, $("source").value, face.row) ?? [];
      [...made.querySelectorAll(".bars i")].forEach((bar, at) => { bar.style.transform = `scaleY(${bars[at] ?? 0})`; });
      const canvas = made.querySelector("canvas");
      const context = canvas.getContext("2d");
      const [x1, y1, x2, y2] = face.box;
      const size = studio.data.size(frame);
      const [left, top, wide, high] = fit(size, [0, 0, video.videoWidth, video.videoHeight]);
      const side = 1.25 * Math.max(x2 - x1, y2 - y1);
      const scale = [wide / size[0], high / size[1]];
      context.fillStyle = "#000";
      context.fillRect(0, 0, canvas.width, canvas.height);
      if (studio.overlay.copied || video.readyState >= 2) {
        context.drawImage(studio.overlay.picture, left + ((x1 + x2 - side) / 2) * scale[0], top + ((y1 + y2 - side) / 2) * scale[1], side * scale[0], side * scale[1], 0, 0, canvas.width, canvas.height);
      }
      return made;
    }));
  }

  #crop(person) {
    const bars = make("span", { class: "bars" }, this.studio.data.basic.map((name) => {
      const bar = make("i");
      bar.style.background = this.studio.colours(name)[0];
      return bar;
    }));
    return make("button", { type: "button", class: "crop", "data-person": String(person), onclick: () => this.studio.choose(person) },
      make("canvas", { width: 160, height: 160 }), bars, make("span", { class: "who" }));
  }

  // Segments ---------------------------------------------------------------------------------------------------------

  filters() {
    const { elements } = $("filter");
    const { edits } = this.studio;
    const refill = (select, options) => {
      const value = select.value;
      select.replaceChildren(...options);
      select.value = [...select.options].some((one) => one.value === value) ? value : "";
    };
    refill(elements.face, [option("", "all"), ...edits.people.map((one) => option(String(one.person), one.name))]);
    refill(elements.label, [option("", "all"), ...[...new Set(edits.segments.map((one) => one.label))].sort().map((label) => option(label))]);
  }

  matches(segment) {
    const { face, label, low, high, by } = $("filter").elements;
    return (face.value === "" || String(segment.face) === face.value) && (label.value === "" || segment.label === label.value)
      && segment.probability >= Number(low.value || 0) - 5e-3 && segment.probability <= Number(high.value || 1) + 5e-3
      && (by.value === "" || segment.person === (by.value === "person"));
  }

  segments() {
    const { studio } = this;
    const found = studio.edits.segments.filter((one) => this.matches(one));
    $("counted").textContent = `${found.length} of ${studio.edits.segments.length}`;
    $("more").hidden = found.length <= this.shown;
    $("segments").tBodies[0].replaceChildren(...found.slice(0, this.shown).map((one) => {
      const start = clock(one.start - studio.data.zero);
      return make("tr", { class: one === studio.selected ? "chosen" : "", onclick: () => studio.select(one) },
        make("td", {}, make("button", { type: "button", class: "link", "aria-label": `${start}, ${one.label}` }, start)),
        make("td", {}, clock(one.end - studio.data.zero)), make("td", {}, studio.edits.name(one.face)),
        make("td", {}, swatch(studio.colours(one.label)), one.label), make("td", { class: "number" }, one.person ? "" : percent(one.probability)),
        make("td", {}, one.person ? "person" : "machine"));
    }));
  }

  editor() {
    const { studio } = this;
    const one = studio.selected;
    if (!one) {
      $("editor").replaceChildren(make("p", { class: "soft" }, "Click a stretch of the ribbon, a row of the table, or a face."));
      return;
    }
    const { data, edits } = studio;
    const basic = [...data.basic, "none"];
    const others = [...new Set([...data.compounds.map(([name]) => name), ...edits.doc.segments.map((each) => each.label)])].filter((label) => !basic.includes(label));
    const select = make("select", { id: "label", onchange: () => save() },
      make("optgroup", { label: "One emotion, or none" }, basic.map((label) => option(label))),
      make("optgroup", { label: "Blends" }, others.map((label) => option(label))));
    if (![...select.options].some((each) => each.value === one.label)) select.append(option(one.label));
    select.value = one.label;
    const time = (id, seconds) => make("input", { id, type: "number", step: "any", value: (seconds - data.zero).toFixed(3), onchange: () => save() });
    const [start, end] = [time("start", one.start), time("end", one.end)];
    // Untouched ends keep all their digits: those of the field are rounded.
    const second = (input, before) => {
      const typed = Number(input.value) + data.zero;
      return Math.min(Math.max(Math.abs(typed - before) < 6e-4 ? before : typed, data.from), data.to);
    };
    const save = () => {
      const [from, to] = [second(start, one.start), second(end, one.end)];
      if (!(from < to)) throw new Error("The end must be after the start, and both inside the clip");
      return studio.relabel(one, from, to, select.value);
    };
    const here = (input, edge) => guarded(() => {
      const { frame } = studio.player;
      if (frame < 0) throw new Error("Go to a frame of the clip first");
      input.value = ((edge === "start" ? data.times : data.ends)[frame] - data.zero).toFixed(6);
      return save();
    });
    $("editor").replaceChildren(
      make("p", { class: "what" }, swatch(studio.colours(one.label)), make("strong", {}, edits.name(one.face)), ` ${clock(one.start - data.zero)} to ${clock(one.end - data.zero)}`,
        make("span", { class: "soft" }, one.person ? ", judged by a person" : `, ${percent(one.probability)} sure`)),
      make("div", { class: "fields" }, make("label", {}, "Label ", select),
        make("button", { type: "button", class: "main", onclick: () => studio.confirm(), title: "C" }, one.person ? "Confirmed" : "Confirm"),
        one.person ? make("button", { type: "button", onclick: () => edits.withdraw(one.face, one.start, one.end) }, "Take back") : null),
      make("div", { class: "fields" }, make("label", {}, "From ", start), make("button", { type: "button", onclick: here(start, "start"), title: "I" , id: "start-here" }, "here"),
        make("label", {}, "to ", end), make("button", { type: "button", onclick: here(end, "end"), title: "O", id: "end-here" }, "here")));
  }

  // Faces and markers ------------------------------------------------------------------------------------------------

  faces() {
    const { studio } = this;
    const { edits } = studio;
    const focused = document.activeElement?.dataset?.key;
    $("faces").replaceChildren(...edits.people.map((one) => {
      const shown = make("input", { type: "checkbox", checked: !studio.hidden.has(one.person), "aria-label": `Show ${one.name}`, onchange: (event) => studio.hide(one.person, !event.target.checked) });
      if (one.person === null) return make("li", {}, shown, make("span", {}, "Voice, while no face is seen"));
      const name = make("input", { value: edits.doc.names[one.person] ?? "", placeholder: `Face ${one.person}`, "aria-label": `Name of Face ${one.person}`, maxlength: 80, "data-key": `name-${one.person}`,
        onchange: (event) => edits.rename(one.person, event.target.value) });
      const others = edits.people.filter((other) => other.person !== null && other.person !== one.person);
      const merge = make("select", { "aria-label": `${one.name} is the same as`, onchange: (event) => (event.target.value === "" ? undefined : edits.merge(one.person, Number(event.target.value))) },
        option("", "same as\u2026"), others.map((other) => option(String(other.person), other.name)));
      merge.disabled = !others.length;
      const actions = [make("button", { type: "button", onclick: () => edits.split(one.person, studio.player.frame), title: "From the shown frame on it is another person", "aria-label": `Split ${one.name} at this frame` }, "Split here"), merge];
      for (const part of Object.keys(edits.doc.merged)) {
        if (edits.merged(Number(part)) === one.person) actions.push(make("button", { type: "button", onclick: () => edits.part_again(Number(part)) }, `Take Face ${part} out`));
      }
      for (const split of edits.doc.splits) {
        if (edits.merged(split.into) === one.person) actions.push(make("button", { type: "button", onclick: () => edits.unsplit(split.into) }, `Join Face ${split.into} again`));
      }
      return make("li", { class: one.person === studio.person ? "chosen" : "" }, shown, name, make("span", { class: "actions" }, actions));
    }));
    if (focused) $("faces").querySelector(`[data-key="${focused}"]`)?.focus();
  }

  markers() {
    const { studio } = this;
    const { markers } = studio.edits.doc;
    if (!markers.length) { $("markers").replaceChildren(make("li", { class: "soft" }, "None yet: M marks the shown frame.")); return; }
    $("markers").replaceChildren(...markers.map((one, index) => make("li", {},
      make("button", { type: "button", class: "link", onclick: () => studio.player.seek(one.time_s) }, clock(one.time_s - studio.data.zero)),
      make("input", { value: one.text, "aria-label": `Marker at ${clock(one.time_s - studio.data.zero)}`, "data-time": one.time_s, maxlength: 200, onchange: (event) => (event.target.value.trim() ? studio.edits.changeMarker(index, event.target.value.trim()) : undefined) }),
      make("button", { type: "button", "aria-label": `Remove ${one.text}`, onclick: () => studio.edits.changeMarker(index, "") }, "Remove"))));
  }

  editMarker(time) {
    const input = $("markers").querySelector(`[data-time="${time}"]`);
    input?.focus({ preventScroll: true });
    input?.select();
    say("The marker is set; type its text");
  }

  // The curves in words ----------------------------------------------------------------------------------------------

  curveTable() {
    const table = $("curve-table");
    if (!table.closest("details").open) return;
    const { studio } = this;
    const { data, view } = studio;
    table.caption.textContent = `Means over stretches of ${clock(view.from - data.zero)} to ${clock(view.to - data.zero)}, ${$("source").selectedOptions[0].textContent}`;
    table.tHead.replaceChildren(make("tr", {}, ["Time", "Face", ...data.basic].map((text) => make("th", { scope: "col" }, text))));
    table.tBodies[0].replaceChildren(...studio.charts().flatMap((one) => {
      const [times, ...values] = binned(data, one.pieces, $("source").value, view.from, view.to, TABLE_ROWS);
      return times.map((time, row) => make("tr", {}, make("th", { scope: "row" }, clock(time, 2)), make("td", {}, one.name),
        values.map((column) => make("td", { class: "number" }, column[row] === null ? "" : column[row].toFixed(2)))));
    }));
  }
}

