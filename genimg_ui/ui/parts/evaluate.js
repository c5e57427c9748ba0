// value: {told: {kind, text, at, url, filename}, runs: [[id, label]], instructions, closed,
//   protocols: [name], models: [{id, title}], absent, studies: [study], evaluations: [evaluation]}
// study: {id, title, link, facts, state, how, note, agreement,
//   rows: [{player, counts: [won, lost, tied, bad], strength, bar: [low, at, high]|null}]}
// evaluation: {id, title, facts, state, text, fraction|null, report, stop, resume, removal, judge}
const root = element.querySelector('.ev-root');
const find = (name) => root.querySelector(`.ev-${name}`);
const SURE_SECONDS = 5;
const COLUMNS = ['', 'Strength [95 %]', '', 'Won', 'Lost', 'Tied', 'Both bad'];
const current = () => props.value ?? {};
let heard; // which answer was shown last

function text(place, words) {
  if (place.textContent !== words) place.textContent = words;
  place.hidden = !words;
}

/** A button that asks once more before it removes. */
function removal(what, act) {
  const made = button('ev-remove', 'Remove', `Remove ${what}`, () => {
    clearTimeout(made.timer);
    if (made.dataset.sure) {
      rest();
      act();
      return;
    }
    made.dataset.sure = 'yes';
    made.textContent = `Remove ${what}?`;
    made.timer = setTimeout(rest, 1000 * SURE_SECONDS);
  });
  const rest = () => {
    delete made.dataset.sure;
    made.textContent = 'Remove';
  };
  return made;
}

/** Offer `options` ([value, label]) and keep what is chosen, where it is still there. */
function offer(select, options) {
  const told = JSON.stringify(options);
  if (select.dataset.told === told) return;
  select.dataset.told = told;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

// Studies

function makeStudy() {
  const row = node('li', 'ev-item');
  const [head, facts, state] = [node('div', 'ev-head'), node('div', 'ev-facts'), node('div', 'ev-state')];
  const address = node('input', 'ev-address');
  address.readOnly = true;
  address.setAttribute('aria-label', 'Link for the raters');
  const copy = button('ev-copy', 'Copy the link', 'Copy the link for the raters', async () => {
    address.select();
    try {
      await navigator.clipboard.writeText(address.value);
      copy.textContent = 'Copied';
      setTimeout(() => (copy.textContent = 'Copy the link'), 2000);
    } catch {} // it is selected, and can be copied by hand
  });
  const open = node('a', 'ev-link ev-open', 'Open');
  open.target = '_blank';
  open.rel = 'noopener';
  const asked = (form) => () => trigger('exported', { id: row.item.id, form });
  const buttons = node('div', 'ev-buttons');
  buttons.append(
    copy,
    open,
    button('ev-csv', 'CSV', 'Download all answers as CSV', asked('csv')),
    button('ev-json', 'JSON', 'Download study, answers and ranking as JSON', asked('json')),
    button('ev-fresh', 'Refresh', 'Look for new answers', () => trigger('asked', {})),
    removal('the study with its answers', () => trigger('study_removed', { id: row.item.id })),
  );
  const scroll = node('div', 'ev-scroll');
  const table = node('table', 'ev-table');
  scroll.append(table);
  const [note, agreement, how] = [node('p', 'ev-note'), node('p', 'ev-agreement'), node('p', 'ev-how')];
  row.append(head, facts, address, buttons, state, scroll, note, agreement, how);
  row.named = { head, facts, state, address, open, scroll, table, note, agreement, how };
  return row;
}

function axis(bar) {
  const cell = node('td', 'ev-where');
  if (!bar) return cell;
  const line = node('span', 'ev-axis');
  const [low, at, high] = bar;
  const [reach, dot] = [node('span', 'ev-reach'), node('span', 'ev-dot')];
  reach.style.left = `${low}%`;
  reach.style.width = `${high - low}%`;
  dot.style.left = `${at}%`;
  line.append(reach, dot);
  cell.append(line);
  return cell;
}

function tableOf(rows) {
  const head = node('tr', '');
  head.append(...COLUMNS.map((name, n) => node('th', n > 2 ? 'ev-number' : '', name)));
  const lines = rows.map((row) => {
    const line = node('tr', '');
    const player = node('th', 'ev-player', row.player);
    player.scope = 'row';
    line.append(player, node('td', 'ev-strength', row.strength), axis(row.bar));
    line.append(...row.counts.map((count) => node('td', 'ev-number', String(count))));
    return line;
  });
  return [head, ...lines];
}

function fillStudy(row, item) {
  const { head, facts, state, address, open, scroll, table, note, agreement, how } = row.named;
  head.replaceChildren(node('span', 'ev-name', item.title));
  text(facts, item.facts);
  text(state, item.state);
  address.value = new URL(item.link, document.baseURI).href;
  open.href = address.value;
  const told = JSON.stringify(item.rows);
  if (table.dataset.told !== told) table.replaceChildren(...tableOf(item.rows));
  table.dataset.told = told;
  scroll.hidden = !item.rows.some((one) => one.counts.some(Boolean));
  text(note, item.note);
  text(agreement, item.agreement);
  text(how, item.how);
}

// Evaluations

function makeRun() {
  const row = node('li', 'ev-item');
  const [head, facts, told] = [node('div', 'ev-head'), node('div', 'ev-facts'), node('p', 'ev-text')];
  const bar = node('progress', 'ev-bar');
  bar.max = 1;
  const report = node('a', 'ev-link ev-report', 'Report');
  report.target = '_blank';
  report.rel = 'noopener';
  const tell = (event) => () => trigger(event, { id: row.item.id });
  const stop = button('ev-stop', 'Stop', 'Stop the evaluation; it goes on from there later', tell('ended'));
  const resume = button('ev-resume', 'Go on', 'Go on with the evaluation', tell('resumed'));
  const judge = button('ev-judge', 'Judge its pictures', 'Make a study of the pictures of this evaluation', () => {
    find('chosen').value = 'evaluation';
    arrange();
    find('evaluations').value = row.item.id;
    find('study').scrollIntoView({ block: 'nearest' });
    find('title').focus();
  });
  const remove = removal('the evaluation with its report', tell('removed'));
  const buttons = node('div', 'ev-buttons');
  buttons.append(report, stop, resume, judge, remove);
  row.append(head, facts, told, bar, buttons);
  row.named = { head, facts, told, bar, report, stop, resume, judge, remove };
  return row;
}

function fillRun(row, item) {
  const { head, facts, told, bar, report, stop, resume, judge, remove } = row.named;
  row.dataset.state = item.state;
  head.replaceChildren(node('span', 'ev-name', item.title));
  text(facts, item.facts);
  text(told, item.text);
  bar.hidden = item.fraction === null;
  bar.value = item.fraction ?? 0;
  bar.setAttribute('aria-label', `Progress of ${item.title}`);
  report.hidden = !item.report;
  if (item.report) report.href = item.report;
  stop.hidden = !item.stop;
  resume.hidden = !item.resume || Boolean(current().closed);
  judge.hidden = !item.judge;
  remove.hidden = !item.removal;
}

// Forms

/** Show the fields that what is chosen needs. */
function arrange() {
  const chosen = find('chosen').value;
  find('last').hidden = chosen !== 'last';
  find('run').hidden = chosen !== 'run';
  find('evaluation').hidden = chosen !== 'evaluation';
  find('by').hidden = chosen === 'evaluation';
  const pictures = find('pictures').value;
  const measured = pictures === 'as-they-are';
  const which = pictures === 'results' || measured ? find('which').value : '';
  find('in-folder').hidden = pictures !== 'folder';
  find('of-results').hidden = !which;
  find('which-last').hidden = which !== 'last';
  find('which-run').hidden = which !== 'run';
  find('which-by').hidden = !measured;
  find('as-they-are').hidden = !measured;
  for (const name of ['by-protocol', 'models']) find(name).hidden = measured;
  find('absent').hidden = measured || !find('absent').textContent;
  find('protocol').required = !measured; // a hidden field that is required cannot be sent
}

function offerModels(models) {
  const box = find('models');
  const told = JSON.stringify(models);
  if (box.dataset.told === told) return;
  box.dataset.told = told;
  const chosen = new Set([...box.querySelectorAll(':checked')].map((one) => one.value));
  const labels = models.map((model) => {
    const label = node('label', '');
    const tick = node('input', '');
    tick.type = 'checkbox';
    tick.value = model.id;
    tick.checked = chosen.has(model.id);
    label.title = model.id;
    label.append(tick, node('span', '', model.title));
    return label;
  });
  box.replaceChildren(box.querySelector('legend'), ...labels);
}

function waiting(name, words) {
  find(name).disabled = true;
  find('told').dataset.kind = '';
  text(find('told'), words);
}

find('study').addEventListener('submit', (event) => {
  event.preventDefault();
  waiting('make', 'Making the study …');
  trigger('study_made', {
    title: find('title').value,
    instructions: find('instructions').value,
    pairs: find('pairs').value,
    chosen: find('chosen').value,
    compared: find('compared').value,
    last: find('count').value,
    run: find('runs').value,
    evaluation: find('evaluations').value,
  });
});
find('evaluate').addEventListener('submit', (event) => {
  event.preventDefault();
  waiting('start', 'Starting …');
  trigger('begun', {
    protocol: find('protocol').value,
    models: [...find('models').querySelectorAll(':checked')].map((one) => one.value),
    pictures: find('pictures').value,
    folder: find('folder').value,
    chosen: find('which').value,
    last: find('which-count').value,
    run: find('which-runs').value,
    compared: find('which-compared').value,
  });
});
for (const name of ['chosen', 'pictures', 'which']) find(name).addEventListener('change', arrange);

function tell(told) {
  if (told.at === heard) return;
  heard = told.at;
  find('make').disabled = false;
  find('start').disabled = false;
  find('told').dataset.kind = told.kind ?? '';
  text(find('told'), told.text ?? '');
  if (told.kind === 'made') find('title').value = '';
  if (told.kind === 'error') find('told').scrollIntoView({ block: 'nearest' });
  if (told.kind === 'download') {
    find('download').href = told.url;
    find('download').download = told.filename;
    find('download').click();
  }
}

function show() {
  const { told = {}, runs = [], instructions = '', closed = '', protocols = [] } = current();
  const { models = [], absent = '', studies = [], evaluations = [] } = current();
  tell(told);
  offer(find('runs'), runs);
  offer(find('which-runs'), runs);
  offer(find('evaluations'), evaluations.filter((one) => one.judge).map((one) => [one.id, one.title]));
  if (!find('instructions').value && instructions) find('instructions').value = instructions;
  offer(root.querySelector('datalist'), protocols.map((name) => [name, name]));
  if (!find('protocol').value && protocols.length) find('protocol').value = protocols[0];
  offerModels(models);
  text(find('absent'), absent);
  text(find('closed'), closed);
  find('evaluate').hidden = Boolean(closed);
  const asRow = (one) => ({ ...one, entry: one.id, index: 0 });
  keyed(find('studies'), studies.map(asRow), makeStudy, fillStudy);
  keyed(find('runs-list'), evaluations.map(asRow), makeRun, fillRun);
  find('no-studies').hidden = !models.length || studies.length > 0;
  find('no-evaluations').hidden = !models.length || evaluations.length > 0;
  arrange();
}

// What is here may have changed elsewhere: ask each time the tab comes into sight.
new IntersectionObserver((seen) => {
  if (seen.some((one) => one.isIntersecting)) trigger('asked', {});
}).observe(root);
watch('value', show);
show();
