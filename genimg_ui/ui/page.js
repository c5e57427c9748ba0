() => {
  // Ctrl+Enter applies, Esc cancels: wherever the focus is, unless a dialog is open.
  const press = (id) => document.querySelector(`#${id}`)?.click();
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      press('apply');
    } else if (event.altKey && /^Arrow(Left|Right)$/.test(event.key)) {
      // In a field of text these keys move by words, or are the browser's own.
      const { tagName, type, isContentEditable } = event.target;
      if (isContentEditable || /TEXTAREA|SELECT/.test(tagName)) return;
      if (tagName === 'INPUT' && !/range|checkbox|radio|button/.test(type)) return;
      event.preventDefault();
      const way = event.key === 'ArrowLeft' ? 'back' : 'forward';
      document.querySelector(`.vs-${way}`)?.click();
    } else if (event.key === 'Escape' && !document.querySelector('dialog[open]')) {
      const status = document.querySelector('.st-root');
      if (status?.dataset.kind === 'running') press('cancel');
    }
  });
  // What is said of a model that is not here leads to the tab where it can be fetched.
  document.addEventListener('click', (event) => {
    if (!event.target.closest?.('a[href$="#models"]')) return;
    event.preventDefault();
    [...document.querySelectorAll('#views [role=tab]')].find((tab) => tab.textContent.trim() === 'Models')?.click();
    document.querySelector('#views')?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  });
  // On a phone, canvas and comparison may be out of sight when what they show is about to change.
  const changing = '#apply, #examples button, .sp-pick, .cp-continue, .cp-restore, .tr-node, .vs-root button, .pk-compare';
  document.addEventListener('click', (event) => {
    if (!event.target.closest?.(changing)) return;
    document.querySelector('#views')?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  });
}
