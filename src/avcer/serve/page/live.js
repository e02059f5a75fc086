// Camera and microphone over a WebSocket: the newest frame only, one in flight; each result is drawn on its own frame.
import { $, make, say } from "./dom.js";
import { palette } from "./palette.js";

const RATE = 16000;
const PICTURE = 1, SOUND = 2;
const REMEMBERED = 60;
const TELL_EVERY_S = 0.2;
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
  run = { media, video, socket, sent: new Map(), number: 0, busy: true, fresh: null, canvas: null, delays: [], drawn: [], results: 0, told: 0, audio: null, begun: seconds() };
  socket.addEventListener("open", () => socket.send(JSON.stringify({ options: {}, record: $("record").checked, name: "live" })));
  socket.addEventListener("message", (event) => answer(JSON.parse(event.data)));
  socket.addEventListener("close", () => stop());
  buttons(true);
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
  send(run); // a picture that came meanwhile need not wait for another
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
  const each = (now, shown) => {
    if (run !== mine) return;
    mine.fresh = (shown?.captureTime ?? now) / 1000;
    send(mine).catch((error) => { fail(`The picture cannot be sent: ${error.message}`); stop(); });
    next(mine.video, each);
  };
  next(mine.video, each);
}

/** With the next picture of the camera; without `requestVideoFrameCallback`, with the next one of the screen. */
const next = (video, each) => ("requestVideoFrameCallback" in video ? video.requestVideoFrameCallback(each) : requestAnimationFrame(each));

/** The newest picture, unless one is on its way, or it was sent before. */
async function send(mine) {
  if (mine.busy || mine.fresh === null || mine.socket.readyState !== WebSocket.OPEN) return;
  mine.busy = true;
  const captured = mine.fresh;
  mine.fresh = null;
  const picture = await createImageBitmap(mine.video);
  const coded = await jpeg(mine, picture);
  if (mine.socket.readyState !== WebSocket.OPEN) return;
  const id = ++mine.number;
  mine.sent.set(id, { picture, captured });
  const head = new DataView(new ArrayBuffer(13));
  head.setUint8(0, PICTURE);
  head.setUint32(1, id, true);
  head.setFloat64(5, captured, true);
  mine.socket.send(new Blob([head.buffer, coded]));
}

/** One canvas for all pictures, in memory: they are read back, so the graphics card would only cost time. */
function jpeg(mine, picture) {
  mine.canvas ??= new OffscreenCanvas(picture.width, picture.height);
  const { canvas } = mine;
  if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.getContext("2d", { willReadFrequently: true, alpha: false }).drawImage(picture, 0, 0);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
}

/** At 16 kHz; in browsers that do not connect a microphone to that, at its own rate: the ear changes it. */
function listening(mine) {
  const audio = new AudioContext({ sampleRate: RATE });
  try { return [audio, audio.createMediaStreamSource(mine.media)]; } catch {
    audio.close();
    const own = new AudioContext();
    return [own, own.createMediaStreamSource(mine.media)];
  }
}

async function hear(mine) {
  const [audio, source] = listening(mine);
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
  source.connect(ear);
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

/** Numbers and tables: a few times a second, since nobody reads faster, and each costs the browser a layout. */
function facts(frame, told) {
  const now = seconds();
  run.results += 1;
  remember(run.delays, 1000 * (now - frame.captured));
  remember(run.drawn, now);
  const rate = run.drawn.length > 1 ? (run.drawn.length - 1) / (now - run.drawn[0]) : 0;
  const middle = [...run.delays].sort((one, other) => one - other)[run.delays.length >> 1];
  Object.assign($("shown").dataset, { delay: middle, rate, results: run.results, frame: told.id });
  if (now - run.told < TELL_EVERY_S) return;
  run.told = now;
  write($("delay"), `${middle.toFixed(0)} ms`);
  write($("rate"), `${rate.toFixed(1)} frames a second`);
  write($("clock"), `${told.time_s.toFixed(1)} s`);
  write($("needs"), Object.entries(told.waits_s).map(([name, left]) => `${NEEDS[name]}: ${left.toFixed(1)} s more`).join("; "));
  const leader = told.rows.find((row) => row.face === told.leads) ?? told.rows[0];
  write($("headline"), leader ? words(leader) : "no face");
  tables(leader, told.rows);
}

/** Rows that are there already are written anew, not made anew: a screen reader keeps its place. */
function tables(leader, rows) {
  const seven = $("seven").tBodies[0], values = Object.entries(leader?.seven ?? {});
  fit(seven, values.length, () => [make("th", { scope: "row" }), make("td", {}, make("progress", { max: 1 })), make("td", {})]);
  values.forEach(([emotion, value], at) => {
    const [name, bar, share] = seven.rows[at].children;
    write(name, emotion);
    bar.firstChild.value = value;
    bar.firstChild.setAttribute("aria-label", emotion);
    write(share, percent(value));
  });
  const faces = $("faces").tBodies[0];
  fit(faces, rows.length, () => [make("td", {}), make("td", {}), make("td", {})]);
  rows.forEach((row, at) => {
    const said = [row.face === null ? "voice" : String(row.face), row.label ?? "not known", row.probability === null ? "" : percent(row.probability)];
    said.forEach((text, cell) => write(faces.rows[at].children[cell], text));
  });
}

function fit(body, count, cells) {
  while (body.rows.length > count) body.lastElementChild.remove();
  while (body.rows.length < count) body.append(make("tr", {}, ...cells()));
}

const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };

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
  buttons(false);
}

/** Which button can be pressed; the focus goes along, since a button that can no longer be pressed loses it. */
function buttons(running) {
  const held = [$("start"), $("stop"), document.body].includes(document.activeElement);
  $("start").disabled = running;
  $("stop").disabled = !running;
  if (held) $(running ? "stop" : "start").focus();
}

function fail(line) {
  $("note").textContent = line;
  $("note").hidden = !line;
}

const percent = (value) => `${Math.round(100 * value)} %`;
const words = (row) => (row.label ? `${row.label}${row.probability === null || row.label === "none" ? "" : ` ${percent(row.probability)}`}` : "nothing known yet");
const remember = (list, value) => { list.push(value); if (list.length > REMEMBERED) list.shift(); };
