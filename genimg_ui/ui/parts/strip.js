// value: {items: [{entry, index, thumb, caption, title, state, marks}], offset, total, page, query,
//         models, news, selected: "entry:index"|null, log_url|null,
//         log_forms: {csv, html}}
// `news`: a page of everything because an edit has ended; where a filter is on, it is asked again.
const root = element.querySelector('.sp-root');
const find = (name) => root.querySelector(`.sp-${name}`);
const current = () => props.value ?? {};
const CHECKS = { only: 'starred', approved: 'approved', border: 'border', prompt: 'prompt' };
const NOTHING_YET = 'Results appear here: each one can be compared, starred, continued from and downloaded.';

/** The start of a local day, `later` days on, as the log writes times. */
function day(text, later) {
  if (!text) return '';
  const [year, month, date] = text.split('-').map(Number);
  return new Date(year, month - 1, date + later).toISOString().replace('Z', '+00:00');
}

function query() {
  const asked = {
    text: find('search').value,
    model: find('model').value,
    state: find('state').value,
    rating: Number(find('rating').value),
    since: day(find('since').value, 0),
    until: day(find('until').value, 1),
  };
  for (const [name, field] of Object.entries(CHECKS)) asked[field] = find(name).checked;
  return asked;
}
const filtered = () => Object.values(query()).some(Boolean);
const ask = (offset) => trigger('asked', { query: query(), offset: Math.max(0, offset) });

function make(item) {
  const row = node('li', 'sp-item');
  const pick = node('button', 'sp-pick');
  pick.type = 'button';
  pick.append(node('img', 'sp-image'), node('span', 'sp-none'));
  pick.firstChild.loading = 'lazy';
  pick.addEventListener('click', (event) => {
    const { entry, index } = row.item;
    if (event.ctrlKey || event.metaKey) setPicked(row.item, !picks.has(keyOf(row.item)));
    else trigger('picked', { entry, index });
  });
  const star = button('sp-star', '☆', 'Star this result', () =>
    trigger('marked', {
      items: [[row.item.entry, row.item.index]],
      change: { starred: !row.item.marks.starred },
    }),
  );
  const check = node('input', 'sp-check');
  check.type = 'checkbox';
  check.title = 'Select this result';
  check.setAttribute('aria-label', 'Select this result');
  check.addEventListener('change', () => setPicked(row.item, check.checked));
  row.append(pick, star, check, node('div', 'sp-caption'));
  return row;
}

function fill(row, item) {
  const [pick, star, check, caption] = row.children;
  const [image, none] = pick.children;
  row.setAttribute('aria-current', String(current().selected === keyOf(item)));
  row.dataset.state = item.state;
  pick.title = item.title;
  if (image.getAttribute('src') !== item.thumb && item.thumb) image.src = item.thumb;
  image.alt = item.title;
  image.hidden = !item.thumb;
  none.textContent = item.thumb ? '' : item.state;
  star.hidden = check.hidden = item.index < 0;
  star.textContent = item.marks.starred ? '★' : '☆';
  star.setAttribute('aria-pressed', String(item.marks.starred));
  star.title = item.marks.starred ? 'Remove the star' : 'Star this result';
  star.setAttribute('aria-label', star.title);
  check.checked = picks.has(keyOf(item));
  const rated = item.marks.rating ? `${item.marks.rating}★ ` : '';
  caption.textContent = `${item.marks.approved ? '✓ ' : ''}${rated}${item.marks.label || item.caption}`;
}

function showModels(models) {
  const select = find('model');
  const wanted = ['', ...models];
  if ([...select.options].map((option) => option.value).join('\n') === wanted.join('\n')) return;
  const kept = select.value;
  const options = wanted.map((name) => new Option(name || 'any', name));
  select.replaceChildren(...options);
  select.value = wanted.includes(kept) ? kept : '';
}

function show() {
  const value = current();
  document.dispatchEvent(new CustomEvent('genimg:history'));
  showModels(value.models ?? []);
  if (value.news && filtered()) return ask(0);
  const items = value.items ?? [];
  const total = value.total ?? 0;
  const offset = value.offset ?? 0;
  const noun = total === 1 ? 'result' : 'results';
  find('count').textContent = total || filtered() ? `${total} ${noun}` : '';
  find('empty').textContent = filtered() ? 'Nothing was found. Change the search or clear the filters.' : NOTHING_YET;
  find('empty').hidden = items.length > 0;
  find('newer').disabled = offset === 0;
  find('older').disabled = offset + items.length >= total;
  const paged = total > (value.page ?? total);
  for (const name of ['newer', 'older', 'page']) find(name).hidden = !paged;
  find('page').textContent = items.length ? `${offset + 1}–${offset + items.length}` : '';
  const log = find('log');
  log.hidden = !value.log_url;
  if (value.log_url) log.href = value.log_url;
  for (const other of root.querySelectorAll('.sp-logs')) {
    other.hidden = log.hidden;
    if (!log.hidden) other.href = value.log_forms[other.dataset.form];
  }
  const focus = root.contains(document.activeElement) ? document.activeElement : null;
  keyed(find('list'), items, make, fill);
  if (focus && !focus.isConnected) find('list').querySelector('.sp-pick')?.focus();
}

let typing = 0;
find('search').addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => ask(0), 200);
});
find('head').addEventListener('keydown', (event) => event.stopPropagation());
find('more').addEventListener('click', () => {
  const open = find('filters').hidden;
  find('filters').hidden = !open;
  find('more').setAttribute('aria-expanded', String(open));
});
for (const name of ['model', 'state', 'rating', 'since', 'until', ...Object.keys(CHECKS)])
  find(name).addEventListener('change', () => ask(0));
find('clear').addEventListener('click', () => {
  for (const name of ['search', 'model', 'state', 'since', 'until']) find(name).value = '';
  find('rating').value = '0';
  for (const name of Object.keys(CHECKS)) find(name).checked = false;
  ask(0);
});
find('newer').addEventListener('click', () => ask(current().offset - current().page));
find('older').addEventListener('click', () => ask(current().offset + current().page));
find('list').addEventListener('keydown', (event) => {
  const row = event.target.closest('.sp-item');
  if (!row || actOnKey(event, row.item, row.item.marks)) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || event.altKey) return;
  const shown = [...root.querySelectorAll('.sp-pick')];
  const next = shown[shown.indexOf(row.querySelector('.sp-pick')) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
});
hear('genimg:picks', () => {
  for (const row of find('list').children) row.children[2].checked = picks.has(keyOf(row.item));
});
watch('value', show);
show();
