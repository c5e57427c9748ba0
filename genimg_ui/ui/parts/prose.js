// Put before every script: sentences of the program, in which `names` stand between backticks.

/** Set a sentence as text, with its names as code; never as markup. */
function prose(place, words) {
  const parts = String(words ?? '').split('`');
  if (parts.length % 2 === 0) parts.splice(0, parts.length, parts.join('`')); // one stands alone
  const made = parts.map((part, index) => {
    if (index % 2 === 0) return part;
    const code = document.createElement('code');
    code.textContent = part;
    return code;
  });
  place.replaceChildren(...made);
}
