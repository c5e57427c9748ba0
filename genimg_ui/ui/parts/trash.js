// value: {items: [{entry, index, thumb, title, removed_at}], offset, total, page, keep: "never"|days}
const root = element.querySelector('.ts-root');
const find = (name) => root.querySelector(`.ts-${name}`);
const current = () => props.value ?? {};
const ask = (offset) => trigger('asked', { offset: Math.max(0, offset) });
let sure = 0;

function make(item) {
  const row = node('li', 'ts-item');
  const image = node('img', 'ts-image');
  image.loading = 'lazy';
  const back = button('ts-back', 'Put back', 'Put this result back into the history', () =>
    trigger('restored', { items: [[row.item.entry, row.item.index]] }),
  );
  row.append(image, node('div', 'ts-when'), back);
  return row;
}

function fill(row, item) {
  const [image, when, back] = row.children;
  if (image.getAttribute('src') !== item.thumb) image.src = item.thumb;
  image.alt = row.title = item.title;
  when.textContent = new Date(1000 * item.removed_at).toLocaleString();
  back.setAttribute('aria-label', `Put back: ${item.title}`);
}

function unsure() {
  clearTimeout(sure);
  sure = 0;
  delete find('empty').dataset.sure;
  find('empty').textContent = 'Empty now';
}

function show() {
  const { items = [], offset = 0, total = 0, page = 1, keep = '7' } = current();
  unsure();
  find('count').textContent = total ? `${total} deleted` : '';
  find('none').hidden = items.length > 0;
  find('empty').disabled = total === 0;
  find('keep').value = keep;
  for (const name of ['newer', 'older', 'page']) find(name).hidden = total <= page;
  find('newer').disabled = offset === 0;
  find('older').disabled = offset + items.length >= total;
  find('page').textContent = items.length ? `${offset + 1}–${offset + items.length}` : '';
  keyed(find('list'), items, make, fill);
}

find('empty').addEventListener('click', () => {
  if (sure) {
    unsure();
    trigger('emptied', {});
    return;
  }
  find('empty').dataset.sure = '';
  find('empty').textContent = `Remove ${current().total} for good?`;
  sure = setTimeout(unsure, 5000);
});
find('keep').addEventListener('change', () => trigger('scheduled', { keep: find('keep').value }));
find('newer').addEventListener('click', () => ask(current().offset - current().page));
find('older').addEventListener('click', () => ask(current().offset + current().page));
keepFresh(root, () => ask(current().offset ?? 0));
watch('value', show);
show();
