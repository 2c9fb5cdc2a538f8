// An outcome and a verdict: a sign and a word for the one, a mark and a word for the other.

function badge(mark) {
  return h(`span.outcome.${mark.tone}`, null, h("span.sign", null, mark.sign), " ", h("span.word", null, mark.word));
}

function verdictMark(mark) {
  if (!mark.told) return null;
  return [
    h(`span.mark.${mark.off ? "not_as_intended" : "as_intended"}`, { "aria-hidden": "true" }, mark.mark),
    hidden(`, ${mark.verdict}`),
  ];
}
