// What a person says: held by the service beside the result, changed here step by step, each step undone by one.
import { call } from "./api.js";

export class Edits {
  /** `changed(text)` is told after each change: in words, what was done. */
  constructor(base, data, changed) {
    Object.assign(this, { path: `${base}/corrections`, data, changed });
    this.done = [];
    this.undone = [];
    this.turn = Promise.resolve();
  }

  async load() { await this.#take(await call(this.path)); }

  async #take(answer) {
    this.tag = answer.headers.get("ETag");
    const told = await answer.json();
    this.doc = told.corrections;
    this.segments = told.segments.map(([face, start, end, label, kind, probability, person]) => ({ face, start, end, label, kind, probability, person }));
    this.#assign();
  }

  /** Each face's rows, by the person whom they belong to. */
  #assign() {
    const found = new Map();
    for (const face of this.data.faces) {
      for (const [from, to] of this.#pieces(face)) {
        const person = this.personAt(face.id, this.data.times[face.frames[from]]);
        if (!found.has(person)) found.set(person, []);
        found.get(person).push([face, from, to]);
      }
    }
    for (const pieces of found.values()) pieces.sort((one, other) => one[0].frames[one[1]] - other[0].frames[other[1]]);
    this.people = [...found].map(([person, pieces]) => ({ person, name: this.name(person), pieces }));
  }

  #pieces(face) {
    const times = this.doc.splits.map((split) => split.time_s);
    const cuts = times.map((time) => {
      let row = 0;
      while (row < face.frames.length && this.data.times[face.frames[row]] < time) row += 1;
      return row;
    }).filter((row) => row > 0 && row < face.frames.length);
    const edges = [0, ...[...new Set(cuts)].sort((a, b) => a - b), face.frames.length];
    return edges.slice(1).map((end, at) => [edges[at], end]);
  }

  /** The face that a person made of `face` at a moment, before merging. */
  part(face, time) {
    const seen = new Set();
    let found = face;
    while (!seen.has(found)) {
      seen.add(found);
      const before = this.doc.splits.filter((split) => split.face === found && split.time_s <= time);
      if (before.length) found = before.reduce((one, other) => (other.time_s > one.time_s ? other : one)).into;
    }
    return found;
  }

  merged(face, doc = this.doc) {
    const seen = new Set();
    let found = face;
    while (found !== null && found in doc.merged && !seen.has(found)) { seen.add(found); found = doc.merged[found]; }
    return found;
  }

  personAt(face, time) { return this.merged(this.part(face, time)); }
  name(person) { return person === null ? "Voice" : this.doc.names[person] || `Face ${person}`; }

  /** The judged stretch of a person that covers a moment. */
  judged(person, time) {
    return this.segments.find((one) => one.person && one.face === person && one.start <= time && time < one.end);
  }

  change(text, action) {
    this.turn = this.turn.catch(() => {}).then(async () => {
      const doc = structuredClone(this.doc);
      action(doc);
      const before = this.doc;
      await this.#put(doc);
      this.done.push({ doc: before, text });
      this.undone = [];
      this.changed(text);
    });
    return this.turn;
  }

  async #put(doc) {
    try {
      await this.#take(await call(this.path, { method: "PUT", body: JSON.stringify(doc), headers: { "Content-Type": "application/json", "If-Match": this.tag } }));
    } catch (error) {
      if (error.status === 412) {
        await this.load();
        this.done = [];
        this.undone = [];
        this.changed("loaded again");
      }
      throw error;
    }
  }

  undo() { return this.#back(this.done, this.undone, "undone"); }
  redo() { return this.#back(this.undone, this.done, "done again"); }

  #back(from, to, word) {
    this.turn = this.turn.catch(() => {}).then(async () => {
      const step = from.at(-1);
      if (!step) return;
      const now = this.doc;
      await this.#put(step.doc);
      from.pop();
      to.push({ doc: now, text: step.text });
      this.changed(`${step.text}: ${word}`);
    });
    return this.turn;
  }

  rename(person, name) {
    return this.change(`${this.name(person)} is called ${name || `Face ${person}`}`, (doc) => {
      if (name.trim()) doc.names[person] = name.trim(); else delete doc.names[person];
    });
  }

  merge(person, into) {
    return this.change(`${this.name(person)} is the same as ${this.name(into)}`, (doc) => { doc.merged[person] = into; });
  }

  part_again(face) { return this.change(`Face ${face} is one of its own again`, (doc) => { delete doc.merged[face]; }); }

  /** From a frame on, what was followed as this person is another one. */
  split(person, frame) {
    const time = this.data.times[frame];
    const face = this.data.faces.find((one) => one.id !== null && this.data.row(one, frame) > 0 && this.personAt(one.id, time) === person);
    if (!face) throw new Error(`${this.name(person)} begins here or is not here; go to the first frame of the other person`);
    const ids = [...this.data.faces.map((one) => one.id ?? 0), ...this.doc.splits.map((split) => split.into)];
    const into = Math.max(...ids) + 1;
    return this.change(`${this.name(person)} is split: Face ${into} from here on`, (doc) => {
      doc.splits.push({ face: this.part(face.id, time), time_s: time, into });
    });
  }

  /** What was said of the part is then said of the face that it was split from. */
  unsplit(into) {
    return this.change(`The split of Face ${into} is taken back`, (doc) => {
      const { face } = doc.splits.find((split) => split.into === into);
      const whole = (one) => (one.face === into ? { ...one, face } : one);
      doc.splits = doc.splits.filter((split) => split.into !== into).map(whole);
      doc.segments = doc.segments.map(whole);
      delete doc.names[into];
      delete doc.merged[into];
      for (const part of Object.keys(doc.merged).filter((one) => doc.merged[one] === into)) {
        delete doc.merged[part];
        if (this.merged(face, doc) !== Number(part)) doc.merged[part] = face;
      }
    });
  }

  /** A person's label of a stretch takes the place of what that person's face was given there before. `judged`: the
   * stretch that this one was until now; what is cut off it is the machine's again. */
  label(person, start, end, label, judged = null) {
    return this.change(`${this.name(person)}: ${label}`, (doc) => {
      if (judged) doc.segments = this.#without(doc.segments, person, judged.start, judged.end);
      doc.segments = this.#without(doc.segments, person, start, end);
      doc.segments.push({ face: this.#faceOf(person, start), start_s: start, end_s: end, label });
      doc.segments.sort((one, other) => one.start_s - other.start_s);
    });
  }

  withdraw(person, start, end) {
    return this.change(`${this.name(person)}: the machine's label again`, (doc) => { doc.segments = this.#without(doc.segments, person, start, end); });
  }

  /** A face that is this person at a moment: the person's own number may by then be another one, of whom it was split. */
  #faceOf(person, time) {
    return [person, ...this.data.faces.map((face) => face.id)].find((face) => this.personAt(face, time) === person) ?? person;
  }

  #without(segments, person, start, end) {
    return segments.flatMap((one) => (one.end_s <= start || one.start_s >= end ? [one] : this.#byPerson(one))).flatMap((one) => {
      if (this.personAt(one.face, one.start_s) !== person || one.end_s <= start || one.start_s >= end) return [one];
      return [[one.start_s, start], [end, one.end_s]].filter(([from, to]) => to - from > 1e-6).map(([from, to]) => ({ ...one, start_s: from, end_s: to }));
    });
  }

  /** A label that was given before its face was split, cut where another person begins. */
  #byPerson(one) {
    const inside = this.doc.splits.map((split) => split.time_s).filter((time) => one.start_s < time && time < one.end_s).sort((a, b) => a - b);
    const cuts = inside.filter((time, at) => this.personAt(one.face, time) !== this.personAt(one.face, at ? inside[at - 1] : one.start_s));
    const edges = [one.start_s, ...cuts, one.end_s];
    return edges.slice(1).map((end, at) => ({ ...one, start_s: edges[at], end_s: end }));
  }

  addMarker(time, text) {
    return this.change(`Marker ${text}`, (doc) => {
      doc.markers.push({ time_s: time, text });
      doc.markers.sort((one, other) => one.time_s - other.time_s);
    });
  }

  changeMarker(index, text) {
    return this.change(text ? `Marker ${text}` : "Marker removed", (doc) => {
      if (text) doc.markers[index].text = text; else doc.markers.splice(index, 1);
    });
  }
}
