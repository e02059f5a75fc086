// How far person and machine agree over what the person judged.
import { json } from "./api.js";
import { $, guarded, make, percent } from "./dom.js";

export class Agreement {
  constructor(studio) {
    this.studio = studio;
    this.place = $("agreement").querySelector("div");
    studio.listen($("agreement"), "toggle", () => this.refresh());
  }

  refresh() { if ($("agreement").open) guarded(() => this.#load())(); }

  async #load() {
    const told = await json(`${this.studio.base}/agreement`);
    if (!told.judged_s) {
      this.place.replaceChildren(make("p", { class: "soft" }, "Nothing is judged yet: confirm or correct segments. Judge right ones as well as wrong ones, or the figures say little."));
      return;
    }
    const cells = told.machine_by_person_s;
    const most = Math.max(...cells.flat());
    const row = (label, at) => make("tr", {}, make("th", { scope: "row" }, label), cells[at].map((seconds, column) => {
      const cell = make("td", { class: at === column ? "number same" : "number" }, seconds ? seconds.toFixed(1) : "");
      cell.style.setProperty("--much", String(Math.round(70 * seconds / most)));
      return cell;
    }));
    this.place.replaceChildren(
      make("p", {}, make("strong", {}, percent(told.agreement)), ` of ${told.judged_s.toFixed(1)} s that a person judged is labelled alike; Cohen's kappa `,
        make("strong", {}, told.kappa === null ? "cannot be told" : told.kappa.toFixed(2))),
      make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion" }, make("table", { class: "confusion" },
        make("caption", {}, "Seconds: rows the machine's label, columns the person's"),
        make("thead", {}, make("tr", {}, make("td"), told.labels.map((label) => make("th", { scope: "col" }, label)))), make("tbody", {}, told.labels.map(row)))));
  }
}
