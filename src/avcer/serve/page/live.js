// Camera and microphone over a WebSocket: the newest frame only, one in flight; each result is drawn on its own frame.
import { $, make, say } from "./dom.js";
import { palette } from "./palette.js";

const RATE = 16000;
const PICTURE = 1, SOUND = 2;
const REMEMBERED = 60;
const NEEDS = { dynamic: "the dynamic model has seen less than 2 s of the face", audio: "the voice needs 4 s of sound" };
const seconds = () => performance.now() / 1000;

let run = null;

$("start").addEventListener("click", () => start().catch((error) => { fail(error.message); stop(); }));
$("stop").addEventListener("click", () => {
  if (run?.socket.readyState !== WebSocket.OPEN) return;
  run.socket.send(JSON.stringify({ stop: true }));
  $("stop").disabled = true;
  say("Stopping");
});

async function start() {
  fail("");
  const media = await navigator.mediaDevices?.getUserMedia({
    video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } },
    audio: $("sound").checked && { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  }).catch((error) => { throw new Error(`The camera cannot be used (${error.message}); allow it for this page`); });
  if (!media) throw new Error("The browser gives cameras to local pages only; open the address that avcer serve printed");
  const video = Object.assign(document.createElement("video"), { srcObject: media, muted: true, playsInline: true });
  await video.play();
  const socket = new WebSocket("/api/live");
  socket.binaryType = "arraybuffer";
  run = { media, video, socket, sent: new Map(), number: 0, busy: true, delays: [], drawn: [], results: 0, audio: null, begun: seconds() };
  socket.addEventListener("open", () => socket.send(JSON.stringify({ options: {}, record: $("record").checked, name: "live" })));
  socket.addEventListener("message", (event) => answer(JSON.parse(event.data)));
  socket.addEventListener("close", () => stop());
  $("start").disabled = true;
  $("stop").disabled = false;
  say("Starting");
}

function answer(told) {
  if (!run) return;
  if (told.error) return fail(told.error);
  if (told.ready) return begin(told);
  if (told.stopped) return ended(told);
  const frame = run.sent.get(told.id);
  for (const id of run.sent.keys()) if (id <= told.id) run.sent.delete(id);
  run.busy = false;
  if (!frame) return;
  draw(frame, told);
  facts(frame, told);
  frame.picture.close();
}

function begin(told) {
  run.named = palette(told.colours, told.compounds);
  say("Running");
  run.busy = false;
  if (run.media.getAudioTracks().length) hear(run).catch((error) => fail(`No sound: ${error.message}`));
  const mine = run;
  const each = () => {
    if (run !== mine) return;
    send(mine);
    mine.video.requestVideoFrameCallback(each);
  };
  mine.video.requestVideoFrameCallback(each);
}

async function send(mine) {
  if (mine.busy || mine.socket.readyState !== WebSocket.OPEN) return;
  mine.busy = true;
  const captured = seconds();
  const { videoWidth: width, videoHeight: height } = mine.video;
  const picture = await createImageBitmap(mine.video);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(picture, 0, 0);
  const coded = await (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 })).arrayBuffer();
  if (mine.socket.readyState !== WebSocket.OPEN) return;
  const id = ++mine.number;
  mine.sent.set(id, { picture, captured });
  const head = new DataView(new ArrayBuffer(13));
  head.setUint8(0, PICTURE);
  head.setUint32(1, id, true);
  head.setFloat64(5, captured, true);
  mine.socket.send(new Blob([head.buffer, coded]));
}

async function hear(mine) {
  const audio = new AudioContext({ sampleRate: RATE });
  mine.audio = audio;
  await audio.audioWorklet.addModule("ear.js");
  const ahead = seconds() - audio.currentTime;
  const ear = new AudioWorkletNode(audio, "ear", { channelCount: 1, channelCountMode: "explicit", numberOfOutputs: 0 });
  ear.port.onmessage = ({ data }) => {
    if (mine.socket.readyState !== WebSocket.OPEN) return;
    const head = new DataView(new ArrayBuffer(9));
    head.setUint8(0, SOUND);
    head.setFloat64(1, data.begins + ahead, true);
    mine.socket.send(new Blob([head.buffer, data.samples]));
  };
  audio.createMediaStreamSource(mine.media).connect(ear);
}

function draw(frame, told) {
  const canvas = $("shown"), pen = canvas.getContext("2d");
  if (canvas.width !== frame.picture.width || canvas.height !== frame.picture.height) {
    canvas.width = frame.picture.width;
    canvas.height = frame.picture.height;
  }
  pen.drawImage(frame.picture, 0, 0);
  const unit = Math.max(canvas.width / 640, 0.6);
  for (const row of told.rows) {
    if (!row.box) continue;
    const [left, top, right, bottom] = row.box;
    pen.lineWidth = (row.face === told.leads ? 3 : 1.5) * unit;
    pen.strokeStyle = row.label && row.label !== "none" ? run.named(row.label)[0] : "#ffffff";
    pen.strokeRect(left, top, right - left, bottom - top);
    const text = words(row);
    pen.font = `600 ${Math.round(15 * unit)}px system-ui, sans-serif`;
    const width = pen.measureText(text).width + 10 * unit, height = 22 * unit;
    const at = Math.max(Math.min(left, canvas.width - width), 0), above = top > height ? top - height : bottom;
    pen.fillStyle = "#16181ccc";
    pen.fillRect(at, above, width, height);
    pen.fillStyle = "#ffffff";
    pen.fillText(text, at + 5 * unit, above + 16 * unit);
  }
}

function facts(frame, told) {
  const now = seconds();
  run.results += 1;
  remember(run.delays, 1000 * (now - frame.captured));
  remember(run.drawn, now);
  const rate = run.drawn.length > 1 ? (run.drawn.length - 1) / (now - run.drawn[0]) : 0;
  const middle = [...run.delays].sort((one, other) => one - other)[run.delays.length >> 1];
  $("delay").textContent = `${middle.toFixed(0)} ms`;
  $("rate").textContent = `${rate.toFixed(1)} frames a second`;
  $("clock").textContent = `${told.time_s.toFixed(1)} s`;
  Object.assign($("shown").dataset, { delay: middle, rate, results: run.results, frame: told.id });
  $("needs").textContent = Object.entries(told.waits_s).map(([name, left]) => `${NEEDS[name]}: ${left.toFixed(1)} s more`).join("; ");
  const leader = told.rows.find((row) => row.face === told.leads) ?? told.rows[0];
  $("headline").textContent = leader ? words(leader) : "no face";
  $("seven").tBodies[0].replaceChildren(...Object.entries(leader?.seven ?? {}).map(([emotion, value]) => make("tr", {},
    make("th", { scope: "row" }, emotion),
    make("td", {}, make("progress", { max: 1, value, "aria-label": emotion })),
    make("td", {}, percent(value)))));
  $("faces").tBodies[0].replaceChildren(...told.rows.map((row) => make("tr", {},
    make("td", {}, row.face === null ? "voice" : String(row.face)), make("td", {}, row.label ?? "not known"),
    make("td", {}, row.probability === null ? "" : percent(row.probability)))));
}

function ended(told) {
  say(`Stopped after ${told.frames} frames`);
  if (told.job) {
    $("note").replaceChildren("The recording is kept: ", make("a", { href: `./#job=${told.job}` }, "open it in the studio"));
    $("note").hidden = false;
  }
  stop();
}

function stop() {
  if (!run) return;
  const mine = run;
  run = null;
  for (const track of mine.media.getTracks()) track.stop();
  mine.audio?.close();
  mine.socket.close();
  $("start").disabled = false;
  $("stop").disabled = true;
}

function fail(line) {
  $("note").textContent = line;
  $("note").hidden = !line;
}

const percent = (value) => `${Math.round(100 * value)} %`;
const words = (row) => (row.label ? `${row.label}${row.probability === null || row.label === "none" ? "" : ` ${percent(row.probability)}`}` : "nothing known yet");
const remember = (list, value) => { list.push(value); if (list.length > REMEMBERED) list.shift(); };
