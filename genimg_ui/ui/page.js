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
}
