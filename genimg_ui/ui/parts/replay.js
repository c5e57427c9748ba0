// value: {kind: running|identical|differs|refused, text, lines: [text], heat_map|null, job} or {}
const root = element.querySelector('.rp-root');
const find = (name) => root.querySelector(`.rp-${name}`);

function line(text) {
  const row = document.createElement('li');
  row.textContent = text;
  return row;
}

function show() {
  const value = props.value ?? {};
  root.dataset.kind = value.kind ?? '';
  find('text').textContent = value.text ?? '';
  find('lines').replaceChildren(...(value.lines ?? []).map(line));
  find('link').hidden = !value.heat_map;
  if (value.heat_map) {
    find('link').href = value.heat_map;
    find('map').src = value.heat_map;
  } else find('map').removeAttribute('src');
}

watch('value', show);
show();
