// Colours of the emotions: tellable apart by people with any colour vision, on light and on dark.
export const COLOURS = {
  Neutral: "#8b93a3", Anger: "#d55e00", Disgust: "#009e73", Fear: "#9b6bd3", Happiness: "#e6a700", Sadness: "#2f7ed8",
  Surprise: "#4cc1e8", none: "#00000000",
};
const OTHER = "#c2557f";

/** Of label -> its one or two colours: a compound has those of its two emotions. */
export function palette(compounds) {
  const pairs = new Map(compounds.map(([name, first, second]) => [name, [COLOURS[first], COLOURS[second]]]));
  return (label) => pairs.get(label) ?? [COLOURS[label] ?? OTHER];
}
