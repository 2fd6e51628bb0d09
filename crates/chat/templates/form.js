// On a page of a site it puts the form there; in the form's own page it tells that page how high the form is.
(() => {
  'use strict';
  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  const id = script?.dataset.formId;
  if (!script || !id) {
    if (window.parent === window) return;
    const tell = () => window.parent.postMessage({ frontdeskForm: document.documentElement.offsetHeight }, '*');
    new ResizeObserver(tell).observe(document.documentElement);
    return;
  }
  const frame = document.createElement('iframe');
  const base = new URL(script.src).origin;
  frame.src = `${base}/f/${encodeURIComponent(id)}`;
  frame.title = script.dataset.title || 'Form';
  frame.setAttribute('width', '100%');
  frame.setAttribute('height', '480');
  frame.setAttribute('frameborder', '0');
  window.addEventListener('message', (event) => {
    if (event.source !== frame.contentWindow || event.origin !== base) return;
    const height = Number(event.data?.frontdeskForm);
    if (height > 0 && height < 20000) frame.setAttribute('height', String(Math.ceil(height)));
  });
  script.after(frame);
})();
