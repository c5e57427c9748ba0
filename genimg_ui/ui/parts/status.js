// value: {kind, text, fraction|null, preview|null, findings: [{sentence, remedy}], actions: [{label, event, data}]}
const root = element.querySelector('.st-root');
const find = (name) => root.querySelector(`.st-${name}`);
const EVENTS = { remedied: 'remedied', undone: 'undone', retried: 'retried', dismissed: 'dismissed', recalled: 'recalled', restored: 'restored' };

function button(label, event, data) {
  const node = document.createElement('button');
  node.type = 'button';
  node.textContent = label;
  node.addEventListener('click', () => trigger(EVENTS[event], data ?? {}));
  return node;
}

function finding(item) {
  const row = document.createElement('li');
  const text = document.createElement('span');
  prose(text, item.sentence);
  row.append(text);
  if (item.remedy) row.append(button(item.remedy.label, 'remedied', item.remedy));
  return row;
}

function show() {
  const value = props.value ?? {};
  root.dataset.kind = value.kind ?? '';
  prose(find('text'), value.text);
  find('track').hidden = value.fraction == null;
  find('fill').style.width = `${Math.round(100 * (value.fraction ?? 0))}%`;
  const preview = find('preview');
  preview.hidden = !value.preview;
  if (value.preview && preview.getAttribute('src') !== value.preview) preview.src = value.preview;
  find('findings').replaceChildren(...(value.findings ?? []).map(finding));
  find('buttons').replaceChildren(
    ...(value.actions ?? []).map((a) => button(a.label, a.event, a.data)),
  );
}

watch('value', show);
show();
