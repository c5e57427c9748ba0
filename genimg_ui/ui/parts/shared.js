// Put before the script of strip, tree, trash and selection bar: what they have in common.
// Which results are selected is the same in all of them: "entry:index" → {entry, index}.
const picks = (window.genimgPicks ??= new Map());
const keyOf = (item) => `${item.entry}:${item.index}`;

function setPicked(item, on) {
  if (on) picks.set(keyOf(item), { entry: item.entry, index: item.index });
  else picks.delete(keyOf(item));
  document.dispatchEvent(new CustomEvent('genimg:picks'));
}

/** A listener of the document that ends with the part. */
function hear(name, listener) {
  document.addEventListener(name, function heard(event) {
    if (element.isConnected) listener(event);
    else document.removeEventListener(name, heard);
  });
}

/** Call `ask` whenever the history has changed, or as soon as the part can be seen again. */
function keepFresh(root, ask) {
  let stale = true;
  let timer = 0;
  const look = () => {
    if (!stale || !root.offsetParent) return;
    stale = false;
    clearTimeout(timer);
    timer = setTimeout(ask, 60);
  };
  new IntersectionObserver(look).observe(root);
  hear('genimg:history', () => {
    stale = true;
    look();
  });
}

/** Marks, deletion and selection by key; whether the key was one of these. */
function actOnKey(event, item, marks) {
  if (event.ctrlKey || event.metaKey || event.altKey || item.index < 0) return false;
  const items = [[item.entry, item.index]];
  if (/^[0-5]$/.test(event.key)) trigger('marked', { items, change: { rating: Number(event.key) } });
  else if (event.key === 's') trigger('marked', { items, change: { starred: !marks.starred } });
  else if (event.key === 'x') setPicked(item, !picks.has(keyOf(item)));
  else if (event.key === 'Delete') trigger('removed', { items });
  else return false;
  event.preventDefault();
  event.stopPropagation();
  return true;
}

/** Children of `parent` in this order, made anew only where there is none of that key. */
function keyed(parent, items, make, fill) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  items.forEach((item, place) => {
    const key = keyOf(item);
    let node = old.get(key);
    old.delete(key);
    if (!node) {
      node = make(item);
      node.dataset.key = key;
    }
    node.item = item;
    fill(node, item);
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
  });
  for (const node of old.values()) node.remove();
}

function node(tag, name, text = '') {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

function button(name, text, title, act) {
  const made = node('button', name, text);
  made.type = 'button';
  made.title = title;
  made.setAttribute('aria-label', title);
  made.addEventListener('click', act);
  return made;
}
