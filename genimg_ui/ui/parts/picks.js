// value: {download: {url, filename}} once an archive is ready, or {}
const root = element.querySelector('.pk-root');
const find = (name) => root.querySelector(`.pk-${name}`);
const items = () => [...picks.values()].map(({ entry, index }) => [entry, index]);

function show() {
  root.hidden = picks.size === 0;
  find('count').textContent = `${picks.size} selected`;
  find('compare').disabled = picks.size !== 2;
  find('compare').title =
    picks.size === 2 ? 'Compare the two: slider, blink or difference' : 'Select exactly two results';
}

function clear() {
  picks.clear();
  document.dispatchEvent(new CustomEvent('genimg:picks'));
}

find('compare').addEventListener('click', () => trigger('compared', { items: items() }));
find('star').addEventListener('click', () =>
  trigger('marked', { items: items(), change: { starred: true } }),
);
const rate = find('rate').querySelector('select');
rate.addEventListener('change', () => {
  if (rate.value) trigger('marked', { items: items(), change: { rating: Number(rate.value) } });
  rate.value = '';
});
find('export').addEventListener('click', () => trigger('exported', { items: items() }));
find('remove').addEventListener('click', () => {
  trigger('removed', { items: items() });
  clear();
});
find('clear').addEventListener('click', clear);
hear('genimg:picks', show);
watch('value', () => {
  const { download } = props.value ?? {};
  if (!download) return;
  const link = find('link');
  link.href = download.url;
  link.download = download.filename;
  link.click();
});
show();
