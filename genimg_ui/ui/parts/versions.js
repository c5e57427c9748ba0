// value: {}; the events say which way to go.
const root = element.querySelector('.vs-root');
root.querySelector('.vs-back').addEventListener('click', () => trigger('went_back', {}));
root.querySelector('.vs-forward').addEventListener('click', () => trigger('went_forward', {}));
