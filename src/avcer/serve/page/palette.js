// Colours of the labels, from those of the emotions: the same as in the pictures that avcer writes.
const OTHER = "#c2557f";

const bright = ([red, green, blue]) => (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;

/** The colours as this page's background needs them: the dark ones lighter in the dark, the pale ones deeper in the light. */
export function themed(colours) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return Object.fromEntries(Object.entries(colours).map(([name, colour]) => {
    const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    for (let tries = 0; tries < 12 && (dark ? bright(parts) < 0.4 : bright(parts) > 0.68); tries += 1) {
      parts.forEach((part, at) => { parts[at] = Math.round(dark ? part + 0.12 * (255 - part) : part * 0.93); });
    }
    return [name, `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`];
  }));
}

/** Of label -> its one or two colours: a compound has those of its two emotions. */
export function palette(colours, compounds) {
  const pairs = new Map(compounds.map(([name, first, second]) => [name, [colours[first], colours[second]]]));
  return (label) => (label === "none" ? ["transparent"] : pairs.get(label) ?? [colours[label] ?? OTHER]);
}
