// value: {back, forward}: whether there is such a version. The events say which way to go.
const root = element.querySelector('.vs-root');
const WAYS = { back: 'went_back', forward: 'went_forward' };
const find = (way) => root.querySelector(`.vs-${way}`);

function show() {
  const held = root.contains(document.activeElement);
  for (const way of Object.keys(WAYS)) find(way).disabled = !props.value?.[way];
  // A button that is switched off under the keys would take the focus with it.
  if (held) root.querySelector('button:enabled')?.focus();
}

for (const [way, event] of Object.entries(WAYS)) find(way).addEventListener('click', () => trigger(event, {}));
watch('value', show);
show();
