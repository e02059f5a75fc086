// The result in every format that the service can write.
import { json } from "./api.js";
import { $, make } from "./dom.js";

const WORDS = {
  csv: "Tables of every frame (CSV)", json: "Everything, for avcer and programs (JSON)", png: "Timeline (PNG)", txt: "Submission (TXT)",
  srt: "Subtitles (SRT)", vtt: "Subtitles (VTT)", parquet: "All frames (Parquet)", jsonl: "All frames (JSON lines)", eaf: "ELAN (EAF)",
  textgrid: "Praat (TextGrid)", emotionml: "EmotionML", labelstudio: "Label Studio", boris: "BORIS", audformat: "audformat", bids: "BIDS events",
  mot: "Boxes (MOT)", corrected: "Corrected segments (CSV and JSON)", faces: "Pictures of the faces", heatmaps: "Heat maps", mp4: "Annotated video (MP4)",
};
const FIRST = ["corrected", "eaf", "textgrid", "csv", "parquet"];

export async function fillDownloads(studio) {
  const { all } = await json("/api/formats");
  const order = [...FIRST.filter((word) => all.includes(word)), ...all.filter((word) => !FIRST.includes(word))];
  $("formats").replaceChildren(...order.map((word) => make("li", {}, make("a", { href: `${studio.base}/results/${word}`, download: "", "data-format": word }, WORDS[word] ?? word))));
  const menu = $("download");
  studio.listen(menu, "keydown", (event) => { if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); } });
  studio.listen(document, "click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
}
