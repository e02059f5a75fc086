// The queue, and a player for what is done. Every text is set as text, never as markup.
const $ = (id) => document.getElementById(id);
const say = (text) => { $("said").textContent = text; };

async function call(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error((await answer.json()).error);
  return answer;
}

function button(text, action) {
  const made = document.createElement("button");
  made.textContent = text;
  made.addEventListener("click", () => Promise.resolve(action()).catch((error) => say(error.message)));
  return made;
}

function row(cells) {
  const made = document.createElement("tr");
  for (const cell of cells) {
    const place = document.createElement("td");
    place.append(...[cell].flat());
    made.append(place);
  }
  return made;
}

async function upload(files) {
  for (const file of files) {
    say(`Sending ${file.name}`);
    try {
      await call(`/api/jobs?name=${encodeURIComponent(file.name)}`,
        { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
      say(`${file.name} is queued`);
    } catch (error) { say(`${file.name}: ${error.message}`); }
    await refresh();
  }
}

let last = "";
async function refresh() {
  const text = await (await call("/api/jobs")).text();
  if (text === last) return;
  last = text;
  $("queue").replaceChildren(...JSON.parse(text).map((job) => {
    const eta = job.eta_s === null ? "" : `, ${Math.ceil(job.eta_s)} s left`;
    const far = job.error ?? (job.total ? `${job.stage} ${Math.round(100 * job.done / job.total)} %${eta}` : job.stage);
    const running = ["queued", "running"].includes(job.state);
    const actions = [button(`${running ? "Cancel" : "Delete"} ${job.name}`, async () => {
      await call(`/api/jobs/${job.id}`, { method: "DELETE" });
      await refresh();
    })];
    if (job.state === "done") actions.unshift(button(`Open ${job.name}`, () => open(job)));
    return row([job.name, job.state, far, actions]);
  }));
}

async function open(job) {
  const base = `/api/jobs/${job.id}`;
  const names = await (await call(`${base}/results`)).json();
  const segments = (await (await call(`${base}/results/segments.csv`)).text()).trim().split("\n").map((line) => line.split(","));
  const column = (name) => segments[0].findIndex((word) => word.trim() === name);
  $("title").textContent = job.name;
  $("video").src = `${base}/clip`;
  $("picture").src = `${base}/results/timeline.png`;
  $("results").replaceChildren(...[...names, "eaf", "textgrid", "parquet"].flatMap((name) => {
    const link = document.createElement("a");
    link.href = `${base}/results/${encodeURIComponent(name)}`;
    link.textContent = name;
    link.download = "";
    return [link, " "];
  }));
  $("segments").replaceChildren(...segments.slice(1).map((cells) => {
    const start = cells[column("start_s")];
    const seek = button(`${start} s`, () => { $("video").currentTime = Number(start); });
    return row([seek, `${cells[column("end_s")]} s`, cells[column("face")], cells[column("label")]]);
  }));
  $("viewer").hidden = false;
  $("title").scrollIntoView();
}

$("files").addEventListener("change", (event) => upload([...event.target.files]));
addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  upload([...event.dataTransfer.files]);
});
const keep = () => refresh().catch((error) => say(error.message)).finally(() => setTimeout(keep, 1000));
keep();
