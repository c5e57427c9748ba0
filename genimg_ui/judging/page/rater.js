// One rater before one study. The study's id is the last part of the address; the rater's own id
// is drawn here and stays in this browser. The server tells addresses of pictures, and nothing
// about how they were made.
const study = location.pathname.replace(/\/+$/, '').split('/').pop();
const find = (id) => document.getElementById(id);
const frames = [...document.querySelectorAll('.frame')];
const buttons = [...document.querySelectorAll('#answers button')];
const KEYS = { ArrowLeft: 'left', ArrowRight: 'right', ArrowDown: 'tie', ArrowUp: 'both bad', x: 'both bad', X: 'both bad' };
const MOST_ZOOM = 16;
const view = { scale: 1, x: 0, y: 0 }; // of both frames; x and y in shares of a frame
let shown = null; // what the server said last
let since = 0; // when the pair was whole before the rater's eyes, in milliseconds
let busy = true;

function raterId() {
  const place = `genimg_rater_${study}`;
  let id = null;
  try {
    id = localStorage.getItem(place);
  } catch {} // a browser that keeps nothing: progress lasts as long as the page
  if (!/^[0-9a-f]{32}$/.test(id ?? '')) {
    id = [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, '0')).join('');
    try {
      localStorage.setItem(place, id);
    } catch {}
  }
  return id;
}

const rater = raterId();

/** Ask the server; what it refuses is thrown as its own sentence. */
async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(`${study}/${path}`, { cache: 'no-store', ...options });
  } catch {
    throw new Error('The server cannot be reached. Your earlier answers are kept; try again.');
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error ?? `The server answered ${answer.status}.`);
  return told;
}

function tell(problem) {
  find('problem').textContent = problem;
  find('problem').hidden = !problem;
}

function settle() {
  for (const button of buttons) button.disabled = busy;
  find('back').disabled = busy || !shown || shown.place === 0;
}

function loaded(image, address) {
  if (image.getAttribute('src') === address && image.complete && image.naturalWidth) return Promise.resolve();
  image.removeAttribute('src');
  return new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = () => reject(new Error('A picture could not be loaded. Reload the page to try again.'));
    image.src = address;
  });
}

async function show(told) {
  shown = told;
  find('title').textContent = told.title;
  find('instructions').textContent = told.instructions;
  find('bar').value = told.total ? told.done / told.total : 0;
  const ended = told.pair === null;
  find('progress').textContent = ended ? `${told.done} of ${told.total}` : `${told.place + 1} of ${told.total}`;
  find('end').hidden = !ended;
  find('judging').hidden = ended;
  if (ended) return;
  find('prompt').textContent = told.prompt;
  find('prompt').hidden = !told.prompt;
  for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.choice === told.said));
  zoomTo(1, 0, 0);
  const images = frames.map((frame) => frame.querySelector('img'));
  await Promise.all(images.map((image, n) => loaded(image, n ? told.right : told.left)));
  since = performance.now();
  for (const address of told.soon) new Image().src = address;
}

/** Do one thing after the other: while one runs, keys and buttons rest. */
async function during(act) {
  busy = true;
  settle();
  try {
    await act();
    tell('');
    busy = false;
  } catch (problem) {
    tell(problem.message);
    busy = shown === null;
  }
  settle();
}

const look = (place) => during(async () => show(await ask(`pair?rater=${rater}${place === undefined ? '' : `&place=${place}`}`)));

function answer(choice) {
  if (busy || find('judging').hidden) return;
  const seconds = Math.min(86400, Math.max(0, (performance.now() - since) / 1000));
  const said = { rater, pair: shown.pair, choice, seconds, place: shown.place };
  during(async () => {
    const body = JSON.stringify(said);
    await show(await ask('answer', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }));
  });
}

function back() {
  if (!busy && shown && shown.place > 0) look(shown.place - 1);
}

// Zoom: both pictures at the same place.

function zoomTo(scale, x, y) {
  view.scale = Math.min(MOST_ZOOM, Math.max(1, scale));
  view.x = Math.min(0, Math.max(1 - view.scale, x));
  view.y = Math.min(0, Math.max(1 - view.scale, y));
  for (const frame of frames) {
    const image = frame.querySelector('img');
    image.style.transform = `translate(${100 * view.x}%,${100 * view.y}%) scale(${view.scale})`;
    const fit = Math.min(frame.clientWidth / (image.naturalWidth || 1), frame.clientHeight / (image.naturalHeight || 1));
    frame.classList.toggle('pixels', fit * view.scale >= 3);
  }
}

function zoomBy(factor, x = 0.5, y = 0.5) {
  const scale = Math.min(MOST_ZOOM, Math.max(1, view.scale * factor));
  const grown = scale / view.scale;
  zoomTo(scale, x - (x - view.x) * grown, y - (y - view.y) * grown);
}

const pointers = new Map();
for (const frame of frames) {
  const share = (event) => {
    const box = frame.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  frame.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 400), ...share(event));
  }, { passive: false });
  frame.addEventListener('dblclick', (event) => (view.scale > 1 ? zoomTo(1, 0, 0) : zoomBy(4, ...share(event))));
  frame.addEventListener('pointerdown', (event) => {
    frame.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, share(event));
  });
  frame.addEventListener('pointermove', (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = share(event);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const spread = (from) => Math.hypot(from[0] - other[0], from[1] - other[1]);
      zoomBy(spread(now) / Math.max(0.01, spread(before)), ...other);
    } else zoomTo(view.scale, view.x + now[0] - before[0], view.y + now[1] - before[1]);
    pointers.set(event.pointerId, now);
  });
  const lift = (event) => pointers.delete(event.pointerId);
  frame.addEventListener('pointerup', lift);
  frame.addEventListener('pointercancel', lift);
}

// Buttons and keys.

for (const button of buttons) button.addEventListener('click', () => answer(button.dataset.choice));
find('back').addEventListener('click', back);
find('again').addEventListener('click', back);
find('in').addEventListener('click', () => zoomBy(1.6));
find('out').addEventListener('click', () => zoomBy(1 / 1.6));
find('whole').addEventListener('click', () => zoomTo(1, 0, 0));
find('help').addEventListener('click', () => {
  find('judging').hidden = true;
  find('intro').hidden = false;
  find('begin').textContent = 'Go on';
  find('begin').focus();
});
find('begin').addEventListener('click', () => {
  find('intro').hidden = true;
  document.activeElement?.blur();
  look();
});
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !find('intro').hidden) return;
  if (KEYS[event.key]) answer(KEYS[event.key]);
  else if (event.key === 'Backspace') back();
  else if (event.key === '+' || event.key === '=') zoomBy(1.6);
  else if (event.key === '-') zoomBy(1 / 1.6);
  else if (event.key === '0') zoomTo(1, 0, 0);
  else return;
  event.preventDefault();
});

// The instructions come first; who has answered before goes on where they were.
during(async () => {
  const told = await ask(`pair?rater=${rater}`);
  await show(told);
  if (told.done === 0) {
    find('judging').hidden = true;
    find('intro').hidden = false;
    find('begin').focus();
  }
});
