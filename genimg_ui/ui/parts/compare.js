// value: {entry, index, before, after, width, height, inner: [left, top, width, height],
//         proof, ok, facts: [[name, text]], notes: [text], starred, download, filename} or {}
const root = element.querySelector('.cp-root');
const find = (name) => root.querySelector(`.cp-${name}`);
const stage = find('stage');
const view = find('view');
const state = { split: 0.5, real: false, blink: false, panX: 0, panY: 0, drag: null };
const current = () => props.value ?? {};

function layout() {
  const value = current();
  if (!value.after) return;
  const { clientWidth: width, clientHeight: height } = stage;
  const fit = Math.min(width / value.width, height / value.height);
  const scale = state.real ? 1 / (window.devicePixelRatio || 1) : fit;
  const shownWidth = value.width * scale;
  const shownHeight = value.height * scale;
  const left = (width - shownWidth) / 2 + state.panX;
  const top = (height - shownHeight) / 2 + state.panY;
  view.style.cssText = `left:${left}px;top:${top}px;width:${shownWidth}px;height:${shownHeight}px`;
  view.style.imageRendering = scale > 2 ? 'pixelated' : '';
  const [innerLeft, innerTop, innerWidth, innerHeight] = value.inner;
  const before = find('before');
  before.style.left = `${innerLeft * scale}px`;
  before.style.top = `${innerTop * scale}px`;
  before.style.width = `${innerWidth * scale}px`;
  before.style.height = `${innerHeight * scale}px`;
  const split = state.blink ? 1 : state.split;
  const cut = Math.min(Math.max(split * width - left, 0), shownWidth);
  find('clip').style.clipPath = `inset(0 ${shownWidth - cut}px 0 0)`;
  find('after').style.clipPath = `inset(0 0 0 ${cut}px)`;
  find('bar').style.left = `${split * width - 1}px`;
  stage.setAttribute('aria-valuenow', String(Math.round(split * 100)));
  find('fit').textContent = state.real ? 'Fit' : '100 %';
}

function fact([name, text]) {
  const row = document.createElement('div');
  const term = document.createElement('dt');
  const detail = document.createElement('dd');
  term.textContent = name;
  detail.textContent = text;
  row.append(term, detail);
  return row;
}

function note(text) {
  const row = document.createElement('li');
  row.textContent = text;
  return row;
}

function show() {
  const value = current();
  root.toggleAttribute('data-shown', Boolean(value.after));
  if (!value.after) return;
  if (find('after').getAttribute('src') !== value.after) {
    Object.assign(state, { real: false, panX: 0, panY: 0 });
    find('after').src = value.after;
  }
  if (find('before').getAttribute('src') !== value.before) find('before').src = value.before;
  find('proof').textContent = value.proof;
  find('proof').dataset.ok = String(value.ok);
  find('facts').replaceChildren(...value.facts.map(fact));
  find('notes').replaceChildren(...value.notes.map(note));
  find('star').setAttribute('aria-pressed', String(value.starred));
  find('star').textContent = value.starred ? '★ Starred' : '☆ Star';
  find('download').href = value.download;
  find('download').download = value.filename;
  layout();
}

function splitAt(event) {
  const { left, width } = stage.getBoundingClientRect();
  state.split = Math.min(Math.max((event.clientX - left) / width, 0), 1);
  layout();
}

stage.addEventListener('pointerdown', (event) => {
  if (!current().after) return;
  stage.setPointerCapture(event.pointerId);
  const panning = event.button === 1 || event.shiftKey;
  state.drag = panning ? [event.clientX - state.panX, event.clientY - state.panY] : 'split';
  if (!panning) splitAt(event);
});
stage.addEventListener('pointermove', (event) => {
  if (!state.drag) return;
  if (state.drag === 'split') return splitAt(event);
  state.panX = event.clientX - state.drag[0];
  state.panY = event.clientY - state.drag[1];
  layout();
});
for (const name of ['pointerup', 'pointercancel'])
  stage.addEventListener(name, () => { state.drag = null; });

function blink(on) {
  state.blink = on;
  layout();
}
stage.addEventListener('keydown', (event) => {
  const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[event.key];
  if (step) state.split = Math.min(Math.max(state.split + step, 0), 1);
  else if (event.key === ' ') state.blink = true;
  else return;
  event.preventDefault();
  layout();
});
stage.addEventListener('keyup', (event) => { if (event.key === ' ') blink(false); });
find('blink').addEventListener('pointerdown', () => blink(true));
for (const name of ['pointerup', 'pointerleave', 'pointercancel'])
  find('blink').addEventListener(name, () => blink(false));
find('fit').addEventListener('click', () => {
  Object.assign(state, { real: !state.real, panX: 0, panY: 0 });
  layout();
});

const who = () => ({ entry: current().entry, index: current().index });
find('continue').addEventListener('click', () => trigger('continued', who()));
find('restore').addEventListener('click', () => trigger('restored', who()));
find('delete').addEventListener('click', () => trigger('deleted', who()));
find('star').addEventListener('click', () => trigger('starred', { ...who(), on: !current().starred }));
new ResizeObserver(layout).observe(stage);
watch('value', show);
show();
