// An outcome and a verdict: a sign and a word for the one, a mark and a word for the other.

// Where there is little room, the part between the bars is what is seen of a word.
const BRIEF = { "shared memory": "|shared| memory", "stray outside": "stray |outside|", "existing file": "|existing| file" };

function badge(mark) {
  const [before, seen, after] = (BRIEF[mark.word] ?? `|${mark.word}|`).split("|");
  const word = h("span.word", null, before && h("span.rest", null, before), seen, after && h("span.rest", null, after));
  return h(`span.outcome.${mark.tone}`, null, h("span.sign", null, mark.sign), " ", word);
}

function verdictMark(mark) {
  if (!mark.told) return null;
  return [
    h(`span.mark.${mark.off ? "not_as_intended" : "as_intended"}`, { "aria-hidden": "true" }, mark.mark),
    hidden(`, ${mark.verdict}`),
  ];
}
