// value: {machine, problem, closed, told: {kind, text, at}, models: [{id, title, family, here,
//   tasks: [[name, text]], badges: [text], fit: {level, text}, facts, note, asks, summary,
//   parts: [part], more: [part]}]}
// part: {model, title, key, name, state, fraction|null, error, fetch, stop, removal}
// `fetch` is the button's text or ""; `removal` says what would go, or is "".
const root = element.querySelector('.md-root');
const find = (name) => root.querySelector(`.md-${name}`);
const SURE_SECONDS = 5;

function text(place, words) {
  if (place.said !== words) prose(place, words);
  place.said = words;
  place.hidden = !words;
}

function makePart(item) {
  const row = node('li', 'md-part');
  const [name, state] = [node('span', 'md-name'), node('span', 'md-state')];
  const buttons = node('span', 'md-buttons');
  const bar = node('progress', 'md-bar');
  bar.max = 1;
  const error = node('span', 'md-error');
  error.setAttribute('role', 'alert');
  const tell = (event) => trigger(event, { model: row.item.model, part: row.item.key });
  const fetch = button('md-fetch', '', 'Download', () => tell('fetched'));
  const stop = button('md-stop', 'Stop', 'Stop the download; it goes on from there later', () => tell('stopped'));
  const remove = button('md-remove', 'Remove', 'Remove from this machine', () => {
    if (remove.dataset.sure) {
      unsure(row);
      tell('removed');
      return;
    }
    remove.dataset.sure = 'yes';
    remove.textContent = `Remove ${row.item.removal}?`;
    row.timer = setTimeout(() => unsure(row), 1000 * SURE_SECONDS);
  });
  buttons.append(fetch, stop, remove);
  row.append(name, state, buttons, bar, error);
  Object.assign(row, { named: { name, state, bar, error, fetch, stop, remove } });
  return row;
}

function unsure(row) {
  clearTimeout(row.timer);
  delete row.named.remove.dataset.sure;
  row.named.remove.textContent = 'Remove';
}

function fillPart(row, item) {
  const { name, state, bar, error, fetch, stop, remove } = row.named;
  text(name, item.name);
  text(state, item.state);
  text(error, item.error);
  text(fetch, item.fetch);
  fetch.setAttribute('aria-label', `${item.fetch} ${item.title}, ${item.name}`);
  stop.hidden = !item.stop;
  stop.setAttribute('aria-label', `Stop the download of ${item.title}, ${item.name}`);
  remove.hidden = !item.removal;
  remove.setAttribute('aria-label', `Remove ${item.title}, ${item.name}`);
  bar.hidden = item.fraction === null;
  bar.value = item.fraction ?? 0;
  bar.setAttribute('aria-label', `Download of ${item.title}, ${item.name}`);
}

function make() {
  const row = node('li', 'md-item');
  const head = button('md-head', '', '', () => unfold(row, detail.hidden));
  const detail = node('div', 'md-detail');
  const fit = node('div', 'md-fit');
  const [facts, note] = [node('div', 'md-facts'), node('p', 'md-note')];
  const licence = node('div', 'md-licence');
  const words = node('span', 'md-words');
  const accept = button('md-accept', 'Accept licence', 'Accept its licence for this installation', () =>
    trigger('accepted', { model: row.item.id }),
  );
  licence.append(words, accept);
  const parts = node('ul', 'md-parts md-main');
  const more = node('details', 'md-more');
  const [summary, rest] = [node('summary', 'md-summary'), node('ul', 'md-parts')];
  more.append(summary, rest);
  detail.append(fit, facts, note, more);
  row.append(head, parts, licence, detail);
  const named = { head, detail, fit, facts, note, licence, words, accept, parts, more, summary, rest };
  Object.assign(row, { named });
  unfold(row, false);
  return row;
}

function unfold(row, open) {
  row.named.detail.hidden = !open;
  row.named.head.setAttribute('aria-expanded', String(open));
}

const asRow = (part) => ({ ...part, entry: part.key, index: 0 });

function fill(row, item) {
  const { head, fit, facts, note, licence, words, accept, parts, more, summary, rest } = row.named;
  const badges = item.badges.map((badge) => node('span', 'md-badge', badge));
  const dot = node('span', 'md-dot');
  dot.dataset.level = item.fit.level;
  dot.title = item.fit.text;
  const names = node('span', 'md-names');
  names.append(node('span', 'md-title', item.title), node('span', 'md-id', item.id), ...badges);
  head.replaceChildren(dot, names);
  head.setAttribute('aria-label', `${item.title}: what it is and what belongs to it`);
  head.title = 'What it is, and what belongs to it';
  fit.dataset.level = item.fit.level;
  text(fit, item.fit.text);
  text(facts, item.facts);
  text(note, item.note);
  text(words, item.asks);
  licence.hidden = !item.asks;
  accept.hidden = Boolean(current().closed);
  accept.setAttribute('aria-label', `Accept the licence of ${item.title}`);
  accept.title = item.asks; // where the row is folded, the words are not shown
  keyed(parts, item.parts.map(asRow), makePart, fillPart);
  keyed(rest, item.more.map(asRow), makePart, fillPart);
  text(summary, item.summary);
  more.hidden = !item.more.length;
}

/** Fill a select with [value, text] pairs, once for each list of them; what is chosen stays. */
function offer(select, pairs) {
  const known = new Map(pairs);
  const wanted = [...known].sort((a, b) => a[1].localeCompare(b[1]));
  const old = [...select.options].slice(1).map((option) => option.value);
  if (old.join() === wanted.map(([value]) => value).join()) return;
  const chosen = select.value;
  select.replaceChildren(select.options[0], ...wanted.map(([value, words]) => new Option(words, value)));
  select.value = known.has(chosen) ? chosen : '';
}

/** Whether the filter shows a model: every word somewhere, and family, task and place as chosen. */
function isWanted(item) {
  const said = [item.title, item.id, item.family, item.facts, item.note, ...item.badges].join(' ').toLowerCase();
  const words = find('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const { value: family } = find('family');
  const { value: task } = find('task');
  return (
    words.every((word) => said.includes(word)) &&
    (!family || item.family === family) &&
    (!task || item.tasks.some(([name]) => name === task)) &&
    (!find('only').firstElementChild.checked || item.here)
  );
}

function filter() {
  const rows = [...find('list').children];
  for (const row of rows) row.hidden = !isWanted(row.item);
  const count = rows.filter((row) => !row.hidden).length;
  const none = 'No model fits: take a word or a choice away.';
  text(find('count'), count ? `${count} of ${rows.length} models` : none);
}

find('filter').addEventListener('input', filter);

const current = () => props.value ?? {};
let heard; // which answer was shown last

find('form').addEventListener('submit', (event) => {
  event.preventDefault();
  find('add').disabled = true;
  find('told').dataset.kind = '';
  text(find('told'), 'Looking at it …');
  trigger('added', { source: find('source').value, name: find('called').value });
});

function show() {
  const { machine = '', problem = '', closed = '', told = {}, models = [] } = current();
  text(find('machine'), machine || 'Looking at this machine …');
  text(find('problem'), problem);
  text(find('public'), closed);
  find('form').hidden = Boolean(closed) || !machine;
  find('told').dataset.kind = told.kind ?? '';
  text(find('told'), told.text ?? '');
  if (told.at !== heard) {
    heard = told.at;
    find('add').disabled = false;
    if (told.kind === 'added') find('form').reset();
  }
  const rows = models.map((model) => ({ ...model, entry: model.id, index: 0 }));
  keyed(find('list'), rows, make, fill);
  offer(find('family'), rows.map((row) => [row.family, row.family]));
  offer(find('task'), rows.flatMap((row) => row.tasks));
  find('filter').hidden = !rows.length;
  filter();
}

// What is here may have changed elsewhere: ask each time the list comes into sight.
new IntersectionObserver((seen) => {
  if (seen.some((one) => one.isIntersecting)) trigger('asked', {});
}).observe(root);
watch('value', show);
show();
