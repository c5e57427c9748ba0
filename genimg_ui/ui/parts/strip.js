// value: {items: [{entry, index, thumb, caption, title, starred}], offset, total, page, starred_only,
//         selected: "entry:index"|null, log_url|null}
const root = element.querySelector('.sp-root');
const find = (name) => root.querySelector(`.sp-${name}`);
const current = () => props.value ?? {};

function item(data) {
  const row = document.createElement('li');
  row.className = 'sp-item';
  row.setAttribute('aria-current', String(current().selected === `${data.entry}:${data.index}`));
  const pick = document.createElement('button');
  pick.type = 'button';
  pick.className = 'sp-pick';
  pick.title = data.title;
  const image = document.createElement('img');
  image.loading = 'lazy';
  image.alt = data.title;
  image.src = data.thumb;
  pick.append(image);
  pick.addEventListener('click', () => trigger('picked', { entry: data.entry, index: data.index }));
  const star = document.createElement('button');
  star.type = 'button';
  star.className = 'sp-star';
  star.textContent = data.starred ? '★' : '☆';
  star.setAttribute('aria-pressed', String(data.starred));
  star.setAttribute('aria-label', data.starred ? 'Remove the star' : 'Star this result');
  star.addEventListener('click', () =>
    trigger('starred', { entry: data.entry, index: data.index, on: !data.starred }),
  );
  const caption = document.createElement('div');
  caption.className = 'sp-caption';
  caption.textContent = data.caption;
  row.append(pick, star, caption);
  return row;
}

function show() {
  const value = current();
  const items = value.items ?? [];
  const total = value.total ?? 0;
  const offset = value.offset ?? 0;
  find('count').textContent = total ? `${total} ${total === 1 ? 'result' : 'results'}` : '';
  find('empty').hidden = items.length > 0;
  find('empty').style.display = items.length ? 'none' : '';
  find('only').checked = Boolean(value.starred_only);
  find('newer').disabled = offset === 0;
  find('older').disabled = offset + items.length >= total;
  const paged = total > (value.page ?? total);
  for (const name of ['newer', 'older', 'page']) find(name).style.display = paged ? '' : 'none';
  find('page').textContent = items.length ? `${offset + 1}–${offset + items.length}` : '';
  const log = find('log');
  log.style.display = value.log_url ? '' : 'none';
  if (value.log_url) log.href = value.log_url;
  find('list').replaceChildren(...items.map(item));
}

function page(offset) {
  trigger('paged', { offset: Math.max(0, offset), starred_only: find('only').checked });
}

find('newer').addEventListener('click', () => page(current().offset - current().page));
find('older').addEventListener('click', () => page(current().offset + current().page));
find('only').addEventListener('change', () => page(0));
find('list').addEventListener('keydown', (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  const picks = [...root.querySelectorAll('.sp-pick')];
  const next = picks[picks.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
});
watch('value', show);
show();
