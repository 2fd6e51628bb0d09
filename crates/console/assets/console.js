// What the pages do better with a script; without it every form still works.
'use strict';

/** While documents are being read, fetches the table again and swaps the rows that changed. */
function poll() {
  const table = document.getElementById('documents');
  if (!table || table.dataset.unfinished === '0') return;
  setTimeout(async () => {
    // A row with an open question must not close under the hand that is about to answer it.
    if (!document.hidden && !table.querySelector('details[open]')) await refresh(table).catch(() => {});
    poll();
  }, 2000);
}

async function refresh(table) {
  const response = await fetch(table.dataset.poll);
  if (response.redirected) return location.reload(); // the session has ended
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const fresh = page.getElementById('documents');
  if (!fresh) return;
  const ids = (root) => [...root.querySelectorAll('tr[id]')].map((row) => row.id).join();
  if (ids(fresh) !== ids(table)) return table.replaceWith(fresh);
  for (const row of fresh.querySelectorAll('tr[id]')) {
    const old = document.getElementById(row.id);
    if (old.innerHTML !== row.innerHTML) old.replaceWith(row);
  }
  const status = fresh.querySelector('[role=status]');
  if (status) table.querySelector('[role=status]').textContent = status.firstChild.textContent;
  table.dataset.unfinished = fresh.dataset.unfinished;
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
function sendOnce(form) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = 'yes';
    form.setAttribute('aria-busy', 'true');
  });
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
document.querySelectorAll('form[method=post]').forEach(sendOnce);
if (navigator.clipboard) document.querySelectorAll('pre').forEach(copyable);
for (const select of document.querySelectorAll('select[data-timezone]')) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...select.options].some((option) => option.value === zone)) select.value = zone;
}
// A page from the browser's memory may hold a form that was sent.
addEventListener('pageshow', () => {
  document.querySelectorAll('form[data-sent]').forEach((form) => { delete form.dataset.sent; form.removeAttribute('aria-busy'); });
});
poll();
