// Colours of the labels, from those of the emotions: the same as in the pictures that avcer writes.
const OTHER = "#c2557f";

/** Of label -> its one or two colours: a compound has those of its two emotions. */
export function palette(colours, compounds) {
  const pairs = new Map(compounds.map(([name, first, second]) => [name, [colours[first], colours[second]]]));
  return (label) => (label === "none" ? ["transparent"] : pairs.get(label) ?? [colours[label] ?? OTHER]);
}
