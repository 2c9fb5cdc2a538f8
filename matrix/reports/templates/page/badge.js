// An outcome and a verdict: a sign and a word for the one, a mark and a word for the other.

// Where there is little room, only the short part of the word is seen.
function badge({ sign, word, short, tone }) {
  const [before, after] = word.split(short);
  return h(`span.outcome.${tone}`, null, h("span.sign", null, sign), " ",
    h("span.word", null, before && h("span.rest", null, before), short, after && h("span.rest", null, after)));
}

function verdictMark({ name, mark, word, judged }) {
  if (!judged) return null;
  return [h(`span.mark.${name}`, { "aria-hidden": "true" }, mark), hidden(`, ${word}`)];
}
