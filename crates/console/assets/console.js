// What the pages do better with a script; without it every form still works.
'use strict';

/** While something is under way, fetches its page again and swaps the parts that changed. */
function poll(id) {
  const root = document.getElementById(id);
  if (root.dataset.unfinished === '0') return;
  setTimeout(async () => {
    if (!document.hidden) await refresh(root).catch(() => {});
    poll(id);
  }, 2000);
}

/** Whether a part is in somebody's hands: an open question must not close, nor the keyboard lose its place. */
const inUse = (part) => part.querySelector('details[open]') || part.contains(document.activeElement);

async function refresh(root) {
  const response = await fetch(root.dataset.poll);
  if (response.redirected) return location.reload(); // the session has ended
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const fresh = page.getElementById(root.id);
  if (!fresh) return;
  const parts = (whole) => [...whole.querySelectorAll('[data-live]')];
  const ids = (whole) => parts(whole).map((part) => part.id).join();
  if (ids(fresh) !== ids(root)) {
    if (!inUse(root)) root.replaceWith(fresh);
    return;
  }
  nameLanguages(fresh);
  let left = false;
  for (const part of parts(fresh)) {
    const old = document.getElementById(part.id);
    if (old.innerHTML === part.innerHTML) continue;
    if (inUse(old)) left = true;
    else old.replaceChildren(...part.childNodes);
  }
  const count = fresh.querySelector('[data-count]');
  if (count) root.querySelector('[data-count]').textContent = count.textContent;
  if (!left) root.dataset.unfinished = fresh.dataset.unfinished;
}

/** Codes of languages become their names. */
function nameLanguages(root) {
  const names = new Intl.DisplayNames(['en'], { type: 'language' });
  for (const place of root.querySelectorAll('[data-language]')) place.textContent = names.of(place.dataset.language);
}

/** Says before the upload, not after, that a file is too large. */
function checkSizes(form) {
  const input = form.querySelector('input[type=file]');
  input.addEventListener('change', () => {
    const large = [...input.files].find((file) => file.size > Number(form.dataset.maxBytes));
    input.setCustomValidity(large ? `${large.name} is larger than the limit.` : '');
    input.reportValidity();
  });
}

/** A form that takes a while is not sent twice. */
function sendOnce(event) {
  const form = event.target;
  if (form.method !== 'post') return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = 'yes';
  form.setAttribute('aria-busy', 'true');
}

/** Adds a button that copies a block of code. */
function copyable(block) {
  const button = document.createElement('button');
  button.className = 'copy';
  button.type = 'button';
  button.textContent = 'Copy';
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(block.querySelector('code').textContent);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });
  block.before(button);
}

document.documentElement.classList.add('scripted');
document.querySelectorAll('form[data-max-bytes]').forEach(checkSizes);
document.addEventListener('submit', sendOnce);
if (navigator.clipboard) document.querySelectorAll('pre').forEach(copyable);
for (const select of document.querySelectorAll('select[data-timezone]')) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...select.options].some((option) => option.value === zone)) select.value = zone;
}
// A page from the browser's memory may hold a form that was sent.
addEventListener('pageshow', () => {
  document.querySelectorAll('form[data-sent]').forEach((form) => { delete form.dataset.sent; form.removeAttribute('aria-busy'); });
});
nameLanguages(document);
document.querySelectorAll('[data-poll]').forEach((root) => poll(root.id));
