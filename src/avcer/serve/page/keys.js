// Keys of the studio. What is typed into a field stays there.
import { $, make } from "./dom.js";

const KEYS = [
  ["Space", "play, pause", (studio) => studio.player.toggle(), " "],
  [", .", "one frame back, one frame on", null, null],
  ["\u2190 \u2192", "one second back, one second on; with Shift, five", null, null],
  ["\u2191 \u2193", "the segment before, the next segment, of the chosen face", null, null],
  ["L", "loop the chosen segment", (studio) => studio.loop(), "l"],
  ["C", "confirm the label of the chosen segment", (studio) => studio.confirm(), "c"],
  ["E", "choose another label", () => $("label")?.focus(), "e"],
  ["I O", "the segment begins, ends at this frame", null, null],
  ["M", "add a marker", (studio) => studio.marker(), "m"],
  ["N", "the next face on this frame", (studio) => nextFace(studio), "n"],
  ["+ -", "zoom in, zoom out", null, null],
  ["0", "show the whole clip", (studio) => studio.view.whole(), "0"],
  ["Home End", "to the first frame, to the last", null, null],
  ["Ctrl+Z", "undo; with Shift, redo", null, null],
  ["?", "these keys", () => $("help").showModal(), "?"],
];
const MORE = {
  ",": (studio) => studio.player.step(-1), ".": (studio) => studio.player.step(1),
  ArrowLeft: (studio, event) => studio.player.seek(studio.player.time - (event.shiftKey ? 5 : 1)),
  ArrowRight: (studio, event) => studio.player.seek(studio.player.time + (event.shiftKey ? 5 : 1)),
  ArrowUp: (studio) => studio.neighbour(-1), ArrowDown: (studio) => studio.neighbour(1),
  i: () => $("start-here")?.click(), o: () => $("end-here")?.click(),
  "+": (studio) => studio.view.zoom(2, studio.zoomAbout()), "=": (studio) => studio.view.zoom(2, studio.zoomAbout()),
  "-": (studio) => studio.view.zoom(0.5, studio.zoomAbout()),
  Home: (studio) => studio.player.seekFrame(0), End: (studio) => studio.player.seekFrame(Infinity),
};
const ACTIONS = new Map([...KEYS.filter((row) => row[3]).map((row) => [row[3], row[2]]), ...Object.entries(MORE)]);

export function bindKeys(studio) {
  $("keys").replaceChildren(...KEYS.flatMap(([key, text]) => [make("dt", {}, key), make("dd", {}, text)]));
  studio.listen(document, "keydown", (event) => {
    if ($("help").open || event.altKey) return undefined;
    const field = event.target.closest("input:not([type=range]):not([type=checkbox]), select, textarea");
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if ((event.ctrlKey || event.metaKey) && key === "z" && !field) {
      event.preventDefault();
      return event.shiftKey ? studio.edits.redo() : studio.edits.undo();
    }
    if (event.ctrlKey || event.metaKey || field) {
      if (field && event.key === "Escape") field.blur();
      return undefined;
    }
    const pressed = event.target.closest("button, a, summary, input");
    if (pressed && (key === " " || pressed.type === "range")) return undefined;
    const scrolled = event.target.closest(".scroll");
    if (scrolled && /^Arrow|Home|End/.test(event.key)) return undefined;
    const action = ACTIONS.get(key);
    if (!action) return undefined;
    event.preventDefault();
    return action(studio, event);
  });
}

function nextFace(studio) {
  const people = studio.facesOn(studio.player.frame).map((face) => face.person);
  if (people.length) studio.choose(people[(people.indexOf(studio.person) + 1) % people.length]);
}
