() => {
  // Ctrl+Enter applies, Esc cancels: wherever the focus is, unless a dialog is open.
  const press = (id) => document.querySelector(`#${id}`)?.click();
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      press('apply');
    } else if (event.key === 'Escape' && !document.querySelector('dialog[open]')) {
      const status = document.querySelector('.st-root');
      if (status?.dataset.kind === 'running') press('cancel');
    }
  });
  // On a phone, canvas and comparison may be out of sight when what they show is about to change.
  const changing = '#apply, #examples button, .sp-pick, .cp-continue, .cp-restore';
  document.addEventListener('click', (event) => {
    if (!event.target.closest?.(changing)) return;
    document.querySelector('#views')?.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  });
}
