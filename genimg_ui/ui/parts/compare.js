// value: {entry, index, before, after, width, height, inner, outer, tags: [left, right],
//         proof, ok, facts: [[name, text]], notes: [text], marks, download, filename} or {}
// `inner` and `outer` say where the pictures before and after lie: [left, top, width, height]
const root = element.querySelector('.cp-root');
const find = (name) => root.querySelector(`.cp-${name}`);
const stage = find('stage');
const view = find('view');
const state = { split: 0.5, real: false, blink: false, panX: 0, panY: 0, drag: null, mode: 'slider', second: true };
const current = () => props.value ?? {};
const MOST_PIXELS = 64e6; // of a drawn difference; larger pictures are scaled down for it

const gain = () => 2 ** Number(find('gain-range').value);

/** How much of the stage the first picture takes: all of it or nothing where they take turns. */
function shownSplit() {
  if (state.blink) return 1;
  if (state.mode === 'blink') return state.second ? 0 : 1;
  return state.mode === 'difference' ? 0 : state.split;
}

function put(image, [left, top, width, height], scale) {
  image.style.left = `${left * scale}px`;
  image.style.top = `${top * scale}px`;
  image.style.width = `${width * scale}px`;
  image.style.height = `${height * scale}px`;
}

/** The second picture shows right of the cut only; its own box may be smaller than the view. */
function afterClip({ outer }, scale, cut, shownWidth) {
  if (cut >= shownWidth) return 'inset(0 0 0 100%)';
  return `inset(0 0 0 ${Math.max(0, cut - outer[0] * scale)}px)`;
}

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
  put(find('before'), value.inner, scale);
  put(find('after'), value.outer, scale);
  const cut = Math.min(Math.max(shownSplit() * width - left, 0), shownWidth);
  find('clip').style.clipPath = `inset(0 ${shownWidth - cut}px 0 0)`;
  find('after').style.clipPath = afterClip(value, scale, cut, shownWidth);
  find('difference').hidden = state.mode !== 'difference' || state.blink;
  find('difference').style.filter = `brightness(${gain()})`;
  find('bar').style.left = `${shownSplit() * width - 1}px`;
  stage.setAttribute('aria-valuenow', String(Math.round(shownSplit() * 100)));
  find('fit').textContent = state.real ? 'Fit' : '100 %';
}

/** Draw by how much the two differ, pixel by pixel: scaled first, equal pixels would differ. */
function drawDifference() {
  const value = current();
  const [before, after, canvas] = [find('before'), find('after'), find('difference')];
  if (state.mode !== 'difference' || !value.after) return;
  if (![before, after].every((image) => image.complete && image.naturalWidth)) return;
  const factor = Math.min(1, Math.sqrt(MOST_PIXELS / (value.width * value.height)));
  canvas.width = Math.round(value.width * factor);
  canvas.height = Math.round(value.height * factor);
  const paper = canvas.getContext('2d');
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(before, ...value.inner.map((x) => x * factor));
  paper.globalCompositeOperation = 'difference';
  paper.drawImage(after, ...value.outer.map((x) => x * factor));
}
for (const name of ['before', 'after']) find(name).addEventListener('load', drawDifference);

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
  prose(row, text);
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
  find('tag-left').textContent = value.tags[0];
  find('tag-right').textContent = value.tags[1];
  showMarks(value.marks);
  drawDifference();
  find('download').href = value.download;
  find('download').download = value.filename;
  layout();
}

function showMarks(marks) {
  find('star').setAttribute('aria-pressed', String(marks.starred));
  find('star').textContent = marks.starred ? '★ Starred' : '☆ Star';
  for (const [i, star] of [...find('rating').children].entries()) {
    star.toggleAttribute('data-on', i < marks.rating);
    star.textContent = i < marks.rating ? '★' : '☆';
    star.setAttribute('aria-checked', String(i + 1 === marks.rating));
    star.tabIndex = i + 1 === (marks.rating || 1) ? 0 : -1;
  }
  for (const name of ['label', 'note']) {
    const field = find(name);
    const same = field.dataset.of === `${current().entry}:${current().index}`;
    if (same && document.activeElement === field) continue; // somebody is typing there
    field.value = marks[name];
    field.dataset.of = `${current().entry}:${current().index}`;
  }
}

function splitAt(event) {
  const { left, width } = stage.getBoundingClientRect();
  state.split = Math.min(Math.max((event.clientX - left) / width, 0), 1);
  layout();
}

stage.addEventListener('pointerdown', (event) => {
  if (!current().after) return;
  stage.setPointerCapture(event.pointerId);
  const panning = event.button === 1 || event.shiftKey || state.mode !== 'slider';
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
find('vary').addEventListener('click', () => trigger('varied', who()));
find('restore').addEventListener('click', () => trigger('restored', who()));
find('delete').addEventListener('click', () => trigger('deleted', who()));
const mark = (change) =>
  trigger('marked', { items: [[current().entry, current().index]], change });
find('star').addEventListener('click', () => mark({ starred: !current().marks.starred }));
for (const number of [1, 2, 3, 4, 5]) {
  const star = document.createElement('button');
  star.type = 'button';
  star.title = `Rate ${number} (key ${number}); again takes it away`;
  star.setAttribute('role', 'radio');
  star.setAttribute('aria-label', `${number} of 5`);
  star.addEventListener('click', () =>
    mark({ rating: current().marks.rating === number ? 0 : number }),
  );
  find('rating').append(star);
}
find('rating').addEventListener('keydown', (event) => {
  const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
  const stars = [...find('rating').children];
  const next = stars[stars.indexOf(document.activeElement) + (step ?? NaN)];
  if (!next || event.altKey) return;
  event.preventDefault();
  next.focus();
  next.click();
});
for (const name of ['label', 'note']) {
  find(name).addEventListener('change', () => {
    const [entry, index] = find(name).dataset.of.split(':');
    trigger('marked', { items: [[entry, Number(index)]], change: { [name]: find(name).value } });
  });
  find(name).addEventListener('keydown', (event) => event.stopPropagation());
}
root.addEventListener('keydown', (event) => {
  if (!current().after || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^[0-5]$/.test(event.key)) mark({ rating: Number(event.key) });
  else if (event.key === 's') mark({ starred: !current().marks.starred });
  else return;
  event.preventDefault();
});

let beat = 0;
function compareBy(mode) {
  state.mode = mode;
  root.dataset.mode = mode;
  for (const choice of root.querySelectorAll('.cp-mode'))
    choice.setAttribute('aria-pressed', String(choice.dataset.mode === mode));
  find('gain').hidden = mode !== 'difference';
  clearInterval(beat);
  state.second = true;
  if (mode === 'blink')
    beat = setInterval(() => {
      if (!element.isConnected) clearInterval(beat);
      state.second = !state.second;
      layout();
    }, 500);
  find('gain-text').textContent = `× ${gain()}`;
  drawDifference();
  layout();
}
for (const choice of root.querySelectorAll('.cp-mode'))
  choice.addEventListener('click', () => compareBy(choice.dataset.mode));
find('gain-range').addEventListener('input', () => compareBy('difference'));
compareBy('slider');
new ResizeObserver(layout).observe(stage);
watch('value', show);
show();
