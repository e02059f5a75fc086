// The clips: what is sent, waits, runs and is done. The list is the service's own, so a refresh loses nothing.
import { json, call, send } from "./api.js";
import { $, make, percent, say } from "./dom.js";

const uploads = new Map();
const refused = new Map(); // what was not taken, until it is dismissed: name and why
let last = "", quiet = false, number = 0;

export function startQueue() {
  const choices = $("choices");
  const kept = JSON.parse(sessionStorage.getItem("choices") ?? "{}");
  for (const [name, value] of Object.entries(kept)) if (choices.elements[name]) choices.elements[name].value = value;
  choices.addEventListener("change", () => sessionStorage.setItem("choices", JSON.stringify(Object.fromEntries(new FormData(choices)))));
  choices.addEventListener("submit", (event) => event.preventDefault());
  $("files").addEventListener("change", (event) => { upload([...event.target.files]); event.target.value = ""; });
  let inside = 0;
  const veil = (shown) => { $("veil").hidden = !shown; };
  addEventListener("dragenter", (event) => { event.preventDefault(); inside += 1; veil(true); });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("dragleave", () => { inside -= 1; if (inside <= 0) veil(false); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    inside = 0;
    veil(false);
    location.hash = "";
    upload([...event.dataTransfer.files]);
  });
  addEventListener("beforeunload", (event) => { if (uploads.size) event.preventDefault(); });
  keep();
}

function options() {
  const found = {};
  for (const [name, value] of new FormData($("choices"))) if (value !== "") found[name] = ["start", "end"].includes(name) ? Number(value) : value;
  return found;
}

async function upload(files) {
  const chosen = encodeURIComponent(JSON.stringify(options()));
  const waiting = files.map((file) => {
    const entry = { name: file.name, share: 0, file, stopped: false };
    number += 1;
    uploads.set(number, entry);
    return [number, entry];
  });
  draw(true);
  for (const [id, entry] of waiting) {
    if (!entry.stopped) {
      try { await queued(entry, await sent(entry, chosen)); } catch (error) { refuse(id, entry, error.message); }
    }
    uploads.delete(id);
    await refresh(true).catch(() => {});
  }
}

/** Sends a file; gives the id of its job. */
async function sent(entry, chosen) {
  if (!entry.file.size) throw new Error("the file is empty; choose one that holds a video");
  const path = `/api/jobs?name=${encodeURIComponent(entry.name)}&options=${chosen}`;
  const { promise, abort } = send(path, entry.file, (share) => { entry.share = share; draw(true); });
  entry.abort = abort;
  return promise;
}

/** Keeps why a file was not taken: the line that says so is soon another one's. */
function refuse(id, entry, reason) {
  if (!entry.stopped) refused.set(id, { name: entry.name, reason });
  say(`${entry.name}: ${reason}`);
}

/** The service has the file. A cancel that came while it took it in is carried out now. */
async function queued(entry, job) {
  if (entry.stopped) await call(`/api/jobs/${job}`, { method: "DELETE" });
  say(`${entry.name} is ${entry.stopped ? "cancelled" : "queued"}`);
}

let jobs = [];
async function refresh(always = false) {
  jobs = await json("/api/jobs");
  if (quiet) say("The service answers again");
  quiet = false;
  draw(always);
}

function draw(always = false) {
  const text = JSON.stringify([jobs, [...uploads.values()].map((one) => [one.name, one.share, one.stopped]), [...refused.keys()]]);
  if (!always && text === last) return;
  last = text;
  const focused = document.activeElement?.dataset?.key;
  const rows = [...[...uploads].map(([id, one]) => uploadRow(id, one)), ...[...refused].map(([id, one]) => refusedRow(id, one)), ...[...jobs].reverse().map(jobRow)];
  show($("queue"), rows);
  $("empty").hidden = rows.length > 0;
  if (focused) $("queue").querySelector(`[data-key="${focused}"]`)?.focus();
}

/** Rows that are there already are changed in place: a button that is being pressed must stay the same button. */
function show(list, rows) {
  const wanted = new Set(rows.map((row) => row.dataset.row));
  for (const old of [...list.children]) if (!wanted.has(old.dataset.row)) old.remove();
  const known = new Map([...list.children].map((old) => [old.dataset.row, old]));
  rows.forEach((row, at) => {
    const node = known.get(row.dataset.row) ?? row;
    if (node !== row) update(node, row);
    if (list.children[at] !== node) list.insertBefore(node, list.children[at] ?? null);
  });
}

function update(old, fresh) {
  old.className = fresh.className;
  const kept = old.lastElementChild, actions = fresh.lastElementChild;
  while (old.firstChild !== kept) old.firstChild.remove();
  kept.before(...[...fresh.childNodes].filter((part) => part !== actions));
  if (!kept.isEqualNode(actions)) kept.replaceWith(actions);
}

function item(row, name, state, words, share, ...actions) {
  const bar = share === null ? null : make("progress", { max: 1, value: share, "aria-label": `${name}: ${words}` });
  return make("li", { class: `job ${state}`, "data-row": row }, make("span", { class: "name" }, name), make("span", { class: "state" }, words), bar, make("span", { class: "actions" }, ...actions));
}

function uploadRow(id, one) {
  return item(`upload-${id}`, one.name, "sending", one.stopped ? "cancelled" : `sending, ${percent(one.share)}`, one.share,
    make("button", { type: "button", "data-key": `upload-${id}`, "aria-label": `Cancel ${one.name}`, onclick: () => cancel(one) }, "Cancel"));
}

function refusedRow(id, one) {
  return item(`refused-${id}`, one.name, "failed", one.reason, null,
    make("button", { type: "button", "data-key": `refused-${id}`, "aria-label": `Dismiss ${one.name}`, onclick: () => { refused.delete(id); draw(true); } }, "Dismiss"));
}

/** A file that has been sent whole, or may have been since that was told, may be a job already: its id is waited for, and
 * the job deleted. */
const NEARLY_SENT = 8e6;
function cancel(one) {
  one.stopped = true;
  if ((1 - one.share) * one.file.size > NEARLY_SENT) one.abort?.();
  draw(true);
}

const STAGES = { pictures: "analysing", write: "writing" };
function jobRow(job) {
  const share = job.total ? Math.min(job.done / job.total, 1) : 0;
  const left = job.eta_s === null ? "" : `, about ${left_in_words(job.eta_s)} left`;
  const words = { queued: "waiting", failed: job.error, done: "done" }[job.state] ?? `${STAGES[job.stage] ?? (job.stage || "starting")}, ${percent(share)}${left}`;
  const busy = ["queued", "running"].includes(job.state);
  const remove = make("button", { type: "button", "data-key": `remove-${job.id}`, "aria-label": `${busy ? "Cancel" : "Delete"} ${job.name}`, onclick: async () => {
    if (!busy && !confirm(`Delete ${job.name}, its results and corrections?`)) return;
    await call(`/api/jobs/${job.id}`, { method: "DELETE" });
    say(`${job.name} is ${busy ? "cancelled" : "deleted"}`);
    await refresh(true);
  } }, busy ? "Cancel" : "Delete");
  const open = job.state === "done" ? make("a", { class: "button main", "data-key": `open-${job.id}`, href: `#job=${job.id}`, "aria-label": `Open ${job.name}` }, "Open") : null;
  return item(`job-${job.id}`, job.name, job.state, words, job.state === "running" ? share : null, open ?? "", remove);
}

function left_in_words(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

async function keep() {
  try { if (!$("queue-view").hidden) await refresh(); } catch (error) {
    if (!quiet) say(error.message);
    quiet = true;
  }
  setTimeout(keep, 700);
}
