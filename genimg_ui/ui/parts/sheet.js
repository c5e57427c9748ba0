// value: {run, title, columns: [label], rows: [label], crop: [width, height], note, explained, waiting,
//         items: [{entry, label, title, state, text, crop, seed, scores, score, rank, place: [column, row],
//         approved, starred, binned, gone}], names: [[id, text]], download: {url, filename, nonce}|null} or {}
const root = element.querySelector('.sh-root');
const find = (name) => root.querySelector(`.sh-${name}`);
const grid = find('grid');
const state = { ranked: false, fit: false, entry: null, fetched: null };
const current = () => props.value ?? {};
const items = () => current().items ?? [];
const TOOLS = [
  ['approve', 'approved', '✓', 'Approve (Space)'],
  ['star', 'starred', '★', 'Star (s)'],
  ['reject', 'binned', '✕', 'Reject: into the trash (x)'],
];

function make(tag, className, text = '') {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function judge(item, what) {
  if (!item.score || item.gone) return;
  item[what] = !item[what];  // shown at once; the answer brings what is kept
  if (what === 'binned' && item.binned) item.approved = false;
  if (what === 'approved' && item.approved) item.binned = false;
  trigger('judged', { run: current().run, entry: item.entry, what, on: item[what] });
  show();
}

function frame(item) {
  const [width, height] = current().crop;
  const node = make('div', 'sh-frame');
  const scale = state.fit ? Math.min(1, 200 / width) : 1;
  const ratio = state.fit ? 1 : window.devicePixelRatio || 1;
  node.style.width = `${Math.max(40, (width * scale) / ratio)}px`;
  node.style.aspectRatio = `${width} / ${height}`;
  if (item.crop && !item.gone) {
    const image = document.createElement('img');
    image.alt = `${item.title}, seed ${item.seed}`;
    image.src = item.crop;
    image.draggable = false;
    node.append(image);
  } else {
    const words = item.gone ? 'removed' : item.score ? 'loading' : item.text || item.state;
    node.append(make('div', 'sh-wait', words));
  }
  return node;
}

function cell(item) {
  const node = make('div', 'sh-cell');
  node.tabIndex = item.entry === state.entry ? 0 : -1;
  node.setAttribute('role', 'gridcell');
  node.setAttribute('aria-label', item.title);
  for (const name of ['entry', 'state', 'approved', 'binned']) node.dataset[name] = String(item[name]);
  node.title = `${item.title}${item.seed ? ` · seed ${item.seed}` : ''}`;
  const place = item.score ? `#${item.rank} · score ${item.score} (${item.scores})` : '';
  node.append(frame(item), make('div', 'sh-label', item.label), make('div', 'sh-scores', place));
  const tools = make('div', 'sh-tools');
  for (const [name, what, sign, title] of TOOLS) {
    const button = make('button', `sh-${name}`, sign);
    Object.assign(button, { type: 'button', title, tabIndex: -1 });
    button.setAttribute('aria-label', title);
    button.setAttribute('aria-pressed', String(item[what]));
    button.disabled = !item.score || item.gone;
    button.addEventListener('click', () => judge(item, what));
    tools.append(button);
  }
  node.append(tools);
  node.addEventListener('focus', () => { state.entry = item.entry; });
  node.addEventListener('pointerdown', () => pick(item.entry));
  node.addEventListener('dblclick', () => open(item));
  return node;
}

const isTable = () => !state.ranked && (current().columns ?? []).length > 0;

function ordered() {
  const list = [...items()];
  return state.ranked ? list.sort((a, b) => a.rank - b.rank) : list;
}

function arranged() {
  const { columns, rows } = current();
  const list = ordered();
  root.toggleAttribute('data-flow', !isTable());
  grid.style.gridTemplateColumns = isTable() ? `auto repeat(${columns.length}, auto)` : '';
  if (!isTable()) return list.map(cell);
  const nodes = columns.map((label, index) => {
    const node = make('div', 'sh-heading', label);
    node.style.gridArea = `1 / ${index + 2}`;
    return node;
  });
  rows.forEach((label, index) => {
    const node = make('div', 'sh-heading', label);
    node.style.gridArea = `${index + 2} / 1`;
    nodes.push(node);
  });
  for (const item of list) {
    const node = cell(item);
    const [column, row] = item.place;
    node.style.gridArea = `${row + 2} / ${column + 2}`;
    nodes.push(node);
  }
  return nodes;
}

function show() {
  const value = current();
  root.toggleAttribute('data-shown', items().length > 0);
  if (!items().length) return;
  if (!items().some((item) => item.entry === state.entry)) state.entry = items()[0].entry;
  const focused = grid.contains(document.activeElement);
  const waiting = value.waiting ? ` · ${value.waiting} to come` : '';
  find('title').textContent = value.title;
  find('note').textContent = `${value.note}${waiting}`;
  find('explained').textContent = value.explained;
  find('order').textContent = state.ranked ? 'In order' : 'Sort by score';
  find('order').setAttribute('aria-pressed', String(state.ranked));
  find('scale').textContent = state.fit ? '1:1' : 'Fit';
  find('zip').disabled = !items().some((item) => item.approved);
  find('runs').replaceChildren(...(value.names ?? []).map(([id, text]) => new Option(text, id, false, id === value.run)));
  grid.replaceChildren(...arranged());
  if (focused) selected()?.focus({ preventScroll: true });
  fetched(value.download);
}

function fetched(download) {
  if (!download || download.nonce === state.fetched) return;
  state.fetched = download.nonce;
  const link = document.createElement('a');
  link.href = download.url;
  link.download = download.filename;
  link.click();
}

const selected = () => grid.querySelector(`[data-entry="${CSS.escape(state.entry ?? '')}"]`);

function pick(entry) {
  state.entry = entry;
  for (const node of grid.querySelectorAll('.sh-cell')) node.tabIndex = node.dataset.entry === entry ? 0 : -1;
  selected()?.focus({ preventScroll: true });
  selected()?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

function open(item) {
  if (item.score && !item.gone && !item.binned) trigger('opened', { entry: item.entry });
}

// Up and down go to the cell whose middle is nearest in the next line, in a table and in a flow.
function neighbour(key) {
  const cells = [...grid.querySelectorAll('.sh-cell')];
  const at = cells.indexOf(selected());
  if (key === 'ArrowLeft' || key === 'ArrowRight') return cells[at + (key === 'ArrowLeft' ? -1 : 1)];
  const middle = (node) => node.offsetLeft + node.offsetWidth / 2;
  const down = key === 'ArrowDown';
  const beyond = cells.filter((node) => (down ? node.offsetTop > cells[at].offsetTop : node.offsetTop < cells[at].offsetTop));
  const line = (down ? Math.min : Math.max)(...beyond.map((node) => node.offsetTop));
  const near = beyond.filter((node) => node.offsetTop === line);
  return near.sort((a, b) => Math.abs(middle(a) - middle(cells[at])) - Math.abs(middle(b) - middle(cells[at])))[0];
}

grid.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const item = items().find((each) => each.entry === state.entry);
  const what = { ' ': 'approved', x: 'binned', s: 'starred' }[event.key];
  if (!item) return;
  if (event.key.startsWith('Arrow')) {
    const next = neighbour(event.key);
    if (next) pick(next.dataset.entry);
  } else if (what) judge(item, what);
  else if (event.key === 'Enter') open(item);
  else return;
  event.preventDefault();
  event.stopPropagation();
});
find('order').addEventListener('click', () => { state.ranked = !state.ranked; show(); });
find('scale').addEventListener('click', () => { state.fit = !state.fit; show(); });
find('runs').addEventListener('change', (event) => trigger('chosen', { run: event.target.value }));
find('png').addEventListener('click', () => trigger('sheet_wanted', { run: current().run }));
find('zip').addEventListener('click', () => trigger('archive_wanted', { run: current().run }));
watch('value', show);
show();
