// value: {url, filename, label, notes: [text], verdict: {state, text, lines: [text]}|null} or {}
const root = element.querySelector('.dl-root');
const find = (name) => root.querySelector(`.dl-${name}`);

function line(text) {
  const row = document.createElement('li');
  row.textContent = text;
  return row;
}

function show() {
  const value = props.value ?? {};
  const link = find('link');
  link.hidden = !value.url;
  if (value.url) {
    const fresh = link.getAttribute('href') !== value.url;
    link.href = value.url;
    link.download = value.filename;
    link.textContent = value.label;
    if (fresh) link.click(); // the person has just asked for it
  }
  find('notes').replaceChildren(...(value.notes ?? []).map(line));
  const verdict = value.verdict ?? null;
  find('verdict').hidden = !verdict;
  find('verdict').textContent = verdict?.text ?? '';
  find('verdict').dataset.state = verdict?.state ?? '';
  find('lines').replaceChildren(...(verdict?.lines ?? []).map(line));
}

watch('value', show);
show();
