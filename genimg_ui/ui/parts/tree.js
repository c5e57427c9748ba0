// value: {nodes: [{entry, index, parent, made, thumb, title, text, marks, gone}], sources: [{entry, index,
//         thumb, title}], before, more, here: key|null, selected: key|null}
// A node's parent is the key of a result ("entry:index") or of an opened picture ("source:digest").
// `more`: these are older nodes, to be added; `before` leads to the next ones, null: there are none.
const root = element.querySelector('.tr-root');
const find = (name) => root.querySelector(`.tr-${name}`);
const STEP_X = 124; // pixels from a picture to the one made from it
const STEP_Y = 106;
const SIDE = 88;
const EDGE = 14;
const OLDER = 'older:0';
const state = { nodes: new Map(), before: null, here: null, selected: null, focus: null, placed: [] };

/** Roots and children by key, without branches that end in deleted pictures. */
function family() {
  const known = new Map(state.nodes);
  const children = new Map();
  const living = new Set();
  for (const item of state.nodes.values()) {
    if (item.gone || item.kind) continue;
    for (let at = item; at && !living.has(keyOf(at)); at = state.nodes.get(at.parent))
      living.add(keyOf(at));
  }
  const roots = [];
  for (const [key, item] of state.nodes) {
    if (!living.has(key)) continue;
    let parent = item.parent ?? null;
    if (parent && !known.has(parent)) parent = OLDER;
    if (parent === OLDER && !known.has(OLDER)) {
      known.set(OLDER, { entry: 'older', index: 0, kind: 'older', title: 'Made from older results', text: 'older …', marks: {} });
      roots.push(OLDER);
    }
    if (!parent) roots.push(key);
    else children.set(parent, [...(children.get(parent) ?? []), key]);
  }
  const age = (key) => `${known.get(key).made}:${String(known.get(key).index).padStart(5, '0')}`;
  for (const keys of children.values()) keys.sort((one, two) => (age(one) < age(two) ? -1 : 1));
  return { known, children, roots };
}

/** Column and row of every node: the first child goes on in the row, each other one begins one. */
function place() {
  const { known, children, roots } = family();
  const placed = [];
  let row = -1;
  for (const start of roots) {
    const waiting = [[start, 0, true, null]];
    while (waiting.length) {
      const [key, column, begins, parent] = waiting.pop();
      if (begins) row += 1;
      const at = { key, item: known.get(key), column, row, parent, children: children.get(key) ?? [] };
      placed.push(at);
      [...at.children].reverse().forEach((child, place) =>
        waiting.push([child, column + 1, place < at.children.length - 1, at]),
      );
    }
  }
  return placed;
}

function make(item) {
  const made = node('div', 'tr-node');
  made.setAttribute('role', 'treeitem');
  made.tabIndex = -1;
  const image = node('img', 'tr-image');
  image.loading = 'lazy';
  image.draggable = false;
  made.append(image, node('span', 'tr-text'), node('span', 'tr-mark'), node('span', 'tr-open', 'open'));
  made.addEventListener('click', (event) => {
    focus(keyOf(made.item));
    if (event.ctrlKey || event.metaKey || event.shiftKey) select(made.item);
    else open(made.item);
  });
  made.addEventListener('focus', () => { state.focus = keyOf(made.item); });
  return made;
}

function fill(made, item) {
  const at = item.at;
  const [image, text, mark] = made.children;
  const key = keyOf(item);
  made.style.left = `${EDGE + at.column * STEP_X}px`;
  made.style.top = `${EDGE + at.row * STEP_Y}px`;
  made.dataset.kind = item.gone ? 'gone' : item.kind ?? '';
  made.title = item.title;
  made.setAttribute('aria-label', item.title);
  made.setAttribute('aria-level', String(at.column + 1));
  made.setAttribute('aria-current', String(key === state.here));
  made.setAttribute('aria-selected', String(picks.has(key)));
  made.toggleAttribute('data-shown', key === state.selected);
  made.tabIndex = key === state.focus ? 0 : -1;
  image.hidden = !item.thumb;
  image.alt = '';
  if (item.thumb && image.getAttribute('src') !== item.thumb) image.src = item.thumb;
  text.textContent = item.text ?? '';
  const rating = item.marks?.rating ? String(item.marks.rating) : '';
  mark.textContent = `${item.marks?.approved ? '✓' : ''}${rating}${item.marks?.starred || rating ? '★' : ''}`;
}

function draw() {
  state.placed = place();
  const { placed } = state;
  if (!placed.some((at) => at.key === state.focus))
    state.focus = (placed.find((at) => at.key === state.here) ?? placed[0])?.key ?? null;
  const items = placed.map((at) => Object.assign(at.item, { at }));
  const canvas = find('canvas');
  const holder = find('lines');
  holder.remove(); // so that the children are the nodes alone
  keyed(canvas, items, make, fill);
  canvas.prepend(holder);
  const width = EDGE * 2 + SIDE + STEP_X * Math.max(0, ...placed.map((at) => at.column));
  const height = EDGE * 2 + SIDE + STEP_Y * Math.max(0, ...placed.map((at) => at.row));
  canvas.style.cssText = `width:${width}px;height:${height}px`;
  find('scroll').style.setProperty('--tall', `${height + 18}px`); // with a scroll bar
  holder.firstChild.setAttribute('d', placed.filter((at) => at.parent).map(line).join(''));
  const count = placed.filter((at) => !at.item.kind && !at.item.gone).length;
  find('count').textContent = count ? `${count} ${count === 1 ? 'version' : 'versions'}${state.before ? ' shown' : ''}` : '';
  find('none').hidden = count > 0;
  find('scroll').hidden = count === 0;
  find('older').hidden = !state.before;
  find('home').disabled = !placed.some((at) => at.key === state.here);
}

function line({ parent, column, row }) {
  const x1 = EDGE + parent.column * STEP_X + SIDE;
  const y1 = EDGE + parent.row * STEP_Y + SIDE / 2;
  const x2 = EDGE + column * STEP_X;
  const y2 = EDGE + row * STEP_Y + SIDE / 2;
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}

const element_of = (key) =>
  [...find('canvas').children].find((child) => child.dataset.key === key);

function focus(key) {
  const before = element_of(state.focus);
  if (before) before.tabIndex = -1;
  state.focus = key;
  const made = element_of(key);
  if (!made) return;
  made.tabIndex = 0;
  made.focus({ preventScroll: true });
  made.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

function open(item) {
  if (item.kind === 'older') return trigger('asked', { before: state.before });
  if (item.kind === 'source') return trigger('reopened', { source: item.index });
  if (!item.gone) trigger('picked', { entry: item.entry, index: item.index });
}

function select(item) {
  if (!item.kind && !item.gone) setPicked(item, !picks.has(keyOf(item)));
}

/** The node to which an arrow leads. */
function neighbour(at, key) {
  const { placed } = state;
  if (key === 'ArrowLeft') return at.parent?.key;
  if (key === 'ArrowRight') return at.children[0];
  if (key === 'Home') return placed[0].key;
  if (key === 'End') return placed.at(-1).key;
  const way = key === 'ArrowDown' ? 1 : -1;
  const far = (other) => 1000 * Math.abs(other.row - at.row) + Math.abs(other.column - at.column);
  const there = placed.filter((other) => (other.row - at.row) * way > 0);
  return there.sort((one, two) => far(one) - far(two))[0]?.key;
}

find('canvas').addEventListener('keydown', (event) => {
  const at = state.placed.find((other) => other.key === state.focus);
  if (!at || event.altKey) return;
  if (!at.item.kind && !at.item.gone && actOnKey(event, at.item, at.item.marks)) return;
  if (event.ctrlKey || event.metaKey) return;
  if (event.key === 'Enter' || event.key === ' ') open(at.item);
  else if (event.key.startsWith('Arrow') || event.key === 'Home' || event.key === 'End') {
    const key = neighbour(at, event.key);
    if (key) focus(key);
  } else return;
  event.preventDefault();
  event.stopPropagation();
});

function goHome(smooth) {
  const made = element_of(state.here);
  if (made) made.scrollIntoView({ block: 'nearest', inline: 'center', behavior: smooth ? 'smooth' : 'auto' });
  return Boolean(made);
}

function show() {
  const value = props.value ?? {};
  if (!value.nodes) return;
  const first = state.nodes.size === 0;
  if (!value.more) state.nodes = new Map();
  for (const item of value.sources) state.nodes.set(keyOf(item), { ...item, kind: 'source', marks: {} });
  for (const item of value.nodes) state.nodes.set(keyOf(item), { ...item });
  Object.assign(state, { before: value.before, here: value.here, selected: value.selected });
  const had = find('canvas').contains(document.activeElement);
  draw();
  if (had && !find('canvas').contains(document.activeElement)) focus(state.focus);
  if (first && !had) goHome(false);
}

find('home').addEventListener('click', () => goHome(true));
find('older').addEventListener('click', () => trigger('asked', { before: state.before }));
hear('genimg:picks', () => {
  for (const made of find('canvas').querySelectorAll('.tr-node'))
    made.setAttribute('aria-selected', String(picks.has(made.dataset.key)));
});
keepFresh(root, () => trigger('asked', { count: Math.max(state.nodes.size, 1) }));
watch('value', show);
show();
