/*
 * What stands around the conversation and few visitors need at once: the menu, cards, forms, files, sound, and the work
 * that a server under pressure asks for. widget.js fetches it after the first answer, or when it is wanted before.
 *
 * The same holds for it as for widget.js: nodes are built by hand, statements end with semicolons and declare one
 * variable, and none of them is empty.
 */

/**
 * @typedef {Record<string, any>} Panel the panel of widget.js
 * @typedef {{challenge: string, difficulty: number}} Challenge
 *
 * @typedef {object} Kit what widget.js lends
 * @property {(tag: string, attributes?: Record<string, any>, ...children: any[]) => any} h
 * @property {(path: string, className?: string) => SVGElement} icon
 * @property {(label: string, picture: Node, onclick: () => void, attributes?: object) => HTMLElement} iconButton
 * @property {(words: string, value: string | number) => string} fill
 * @property {(error: unknown) => void} report
 * @property {(name: string, data?: unknown) => void} emit
 * @property {(href: string, ...label: any[]) => HTMLElement} link
 * @property {(time: number, signal: AbortSignal) => Promise<void>} pause waits, and on until there is a network
 * @property {() => Record<string, string>} words the interface's words in the visitor's language
 */

const ENGLISH = {
  startOver: "New conversation",
  soundOn: "Turn sound on",
  soundOff: "Turn sound off",
  signOut: "Sign out",
  page: "Page %",
  openPage: "Open page",
  back: "Back",
  whatHelped: "What helped? (optional)",
  whatWasMissing: "What was missing? (optional)",
  personIntro: "Leave your e-mail address and your question. A person on our team will answer you by e-mail.",
  email: "E-mail",
  message: "Message",
  sendRequest: "Send request",
  sentTitle: "We have your request",
  sent: "A person on our team will read this conversation and write to %. You can go on chatting meanwhile.",
  backToChat: "Back to chat",
  signIn: "Sign in",
  signInIntro: "This assistant is for people we know. Enter your e-mail address, and we will send you a code.",
  sendCode: "Send code",
  codeSent: "If % is known to us, a six-digit code is on its way.",
  code: "Code",
  wrongCode: "This code is wrong or has ended.",
  otherEmail: "Use another address",
  remove: "Remove %",
  reading: "Reading %…",
  tooLarge: "% is too large.",
  wrongType: "Files of this type cannot be read here: %",
  tooMany: "At most % files at once.",
  unreadable: "% could not be read.",
};

const MAX_MESSAGE = 4000;
const POLL_PAUSE = 400;

// Paths of 24 × 24 line icons.
const PERSON = "M19 21v-1a5 5 0 0 0-5-5h-4a5 5 0 0 0-5 5v1M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z";
const FRESH = "M3 12a9 9 0 1 0 3-6.7L3 8M3 3v5h5";
const SOUND = "M11 5 6 9H3v6h3l5 4zM15.5 8.5a5 5 0 0 1 0 7M18.4 5.6a9 9 0 0 1 0 12.8";
const OUT = "M9 21H5V3h4M16 17l5-5-5-5M21 12H9";
const BACK = "M19 12H5m7-7-7 7 7 7";
const CHECK = "M20 6 9 17l-5-5";
const CLOSE = "M18 6 6 18M6 6l12 12";
const LOCK = "M6 11h12v10H6zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11";

const CSS = `
.menu{position:absolute;top:62px;inset-inline-end:12px;z-index:3;padding:6px;background:var(--bg);color:var(--text);border-radius:12px;box-shadow:var(--shadow);animation:rise .16s}
.menu button{display:flex;align-items:center;gap:10px;width:100%;padding:9px 12px;border-radius:8px;font-size:14px}
.menu button:hover{background:var(--soft)}
.menu svg{color:var(--dim)}
.card{position:absolute;inset:0;z-index:2;padding:12px 16px 20px;overflow-y:auto;background:var(--bg);display:flex;flex-direction:column;gap:14px;animation:slide .22s}
.card>*{flex:none}
.top{display:flex;align-items:center;gap:4px;min-height:36px}
.top button{margin-inline-start:-8px}
[dir=rtl] .card h3{text-align:right}
[dir=rtl] .turn{transform:scaleX(-1)}
.passage{padding:14px 16px;border-radius:var(--r);background:var(--soft);white-space:pre-wrap;overflow-wrap:anywhere;color:var(--dim)}
mark{background:color-mix(in srgb,var(--fill),var(--soft) 78%);color:var(--text);border-radius:3px}
.card .link{width:auto;margin-inline:0 auto}
label{font-size:13px;font-weight:600}
.input{display:block;width:100%;margin-top:5px;padding:9px 12px;border:1px solid var(--dim);border-radius:var(--r);font-weight:400;font-size:15px}
.input:focus-visible{outline-offset:0}
textarea.input{min-height:110px;resize:vertical}
.code{font-size:22px!important;letter-spacing:.4em;font-variant-numeric:tabular-nums}
.primary{padding:10px 16px;border-radius:var(--r);background:var(--fill);color:var(--on);font-weight:600;text-align:center}
.primary:disabled{opacity:.6}
.problem{color:var(--text);font-weight:600}
.problem:empty{display:none}
.comment{display:flex;gap:6px;width:100%}
.comment .input{margin:0;padding:5px 10px}
.centre{text-align:center}
.centre svg{width:48px;height:48px;color:var(--accent);margin:24px auto 14px}
.files .icon{width:24px;height:24px;margin-block:-2px;margin-inline:-2px -8px}
.problem{padding-bottom:6px}
@keyframes slide{from{opacity:0;transform:translateX(24px)}}
@media (prefers-reduced-motion){.root *{animation:none!important;transition:none!important}}
`;

/**
 * A page's address that opens at what is cited of it: at the page of a PDF, else at the words, by a text fragment
 * (https://wicg.github.io/scroll-to-text-fragment).
 * @param {string} url
 * @param {number | null | undefined} page
 * @param {string} quote
 */
function cited(url, page, quote) {
  if (url.includes("#")) return url;
  if (page && /\.pdf$/i.test(url.split("?")[0])) return `${url}#page=${page}`;
  const words = quote.trim().split(/\s+/);
  const parts = words.length > 12 ? [words.slice(0, 5), words.slice(-5)] : [words];
  return `${url}#:~:text=${parts.map((part) => encodeURIComponent(part.join(" ")).replace(/-/g, "%2D"))}`;
}

/** Two soft notes. */
function chime() {
  const audio = new AudioContext();
  [660, 880].forEach((frequency, n) => {
    const start = audio.currentTime + n * 0.12;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.08, start);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.3);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.3);
    if (n) tone.onended = () => audio.close();
  });
}

// ---------------------------------------------------------------- work

/** The fractional parts of the roots of the first primes, as 32 bits: FIPS 180-4, 4.2.2 and 5.3.3. */
function primes() {
  /** @type {number[]} */
  const found = [];
  for (let n = 2; found.length < 64; n++) if (found.every((prime) => n % prime)) found.push(n);
  /** @param {number} root */
  const fraction = (root) => ((root % 1) * 2 ** 32) | 0;
  return { cubes: found.map((prime) => fraction(Math.cbrt(prime))), squares: found.slice(0, 8).map((prime) => fraction(Math.sqrt(prime))) };
}

const { cubes, squares } = primes();

/**
 * The first 32 bits of the SHA-256 of a short ASCII text (FIPS 180-4, 6.2). The browser's own is not there on pages
 * without TLS, and is slow for many short texts.
 * @param {string} text
 */
export function sha256Begin(text) {
  const blocks = ((text.length + 8) >> 6) + 1;
  const data = new Uint32Array(blocks * 16);
  for (let i = 0; i < text.length; i++) data[i >> 2] |= text.charCodeAt(i) << (24 - (i % 4) * 8);
  data[text.length >> 2] |= 0x80 << (24 - (text.length % 4) * 8);
  data[data.length - 1] = text.length * 8;
  const state = [...squares];
  const words = new Int32Array(64);
  /** @param {number} x @param {number} n */
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  for (let block = 0; block < data.length; block += 16) {
    let [a, b, c, d, e, f, g, k] = state;
    for (let i = 0; i < 64; i++) {
      if (i < 16) words[i] = data[block + i];
      else {
        const [x, y] = [words[i - 15], words[i - 2]];
        words[i] = words[i - 16] + words[i - 7] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
      }
      const first = (k + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + cubes[i] + words[i]) | 0;
      const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [k, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, k].forEach((value, i) => (state[i] = (state[i] + value) | 0));
  }
  return state[0] >>> 0;
}

/**
 * Looks for a number that makes the hash of `challenge:number` begin with so many zero bits, a while at a time, so that
 * the page stays quick.
 * @param {Challenge} asked
 */
async function work({ challenge, difficulty }) {
  for (let number = 0; ; ) {
    const pause = performance.now() + 20;
    while (performance.now() < pause) {
      if (Math.clz32(sha256Begin(`${challenge}:${number}`)) >= difficulty) return { challenge, number };
      number++;
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** @param {Kit} kit */
function extras(kit) {
  const { h, icon, iconButton, fill, report, emit, link, pause } = kit;
  /** @type {Record<string, string>} */
  let words = ENGLISH;

  /**
   * @param {string} path
   * @param {string} label
   * @param {() => void} onclick
   */
  const item = (path, label, onclick) => h("button", { onclick }, icon(path), label);

  // ---------------------------------------------------------------- the menu

  /**
   * @param {Panel} panel
   * @param {boolean} [show]
   */
  function toggleMenu(panel, show = !panel.menu) {
    const { widget, menuButton } = panel;
    const { store } = widget;
    panel.menu?.remove();
    panel.menu = undefined;
    menuButton.setAttribute("aria-expanded", String(show));
    if (!show) return;
    const close = () => toggleMenu(panel, false);
    /** @param {FocusEvent} event */
    const onfocusout = (event) => event.relatedTarget === menuButton || panel.menu?.contains(event.relatedTarget) || close();
    panel.menu = h("div.menu", { id: "menu", onfocusout },
      item(PERSON, words.person, () => showPerson(panel)),
      item(FRESH, words.startOver, () => widget.clearHistory()),
      item(SOUND, store.sound ? words.soundOff : words.soundOn, () => toggleSound(panel)),
      store.known && !store.forgets && item(OUT, words.signOut, () => signOut(panel)),
    );
    panel.menu.addEventListener("click", close);
    menuButton.after(panel.menu);
    panel.menu.firstChild.focus();
  }

  /** @param {Panel} panel */
  function signOut(panel) {
    const { widget } = panel;
    widget.leave();
    widget.store.clear();
    panel.fill();
    panel.enter();
  }

  /** @param {Panel} panel */
  function toggleSound({ widget, menuButton }) {
    const { store } = widget;
    store.sound = !store.sound;
    store.save();
    if (store.sound) chime();
    menuButton.focus();
  }

  // ---------------------------------------------------------------- cards over the conversation

  /**
   * @param {Panel} panel
   * @param {HTMLElement} card
   * @param {string} title
   * @param {boolean} [stays] there is nothing behind it to go back to
   */
  function openCard(panel, card, title, stays = false) {
    panel.closeCard?.();
    const opener = panel.widget.shadow.activeElement;
    const back = iconButton(words.back, icon(BACK, "turn"), () => panel.closeCard?.());
    card.prepend(h("div.top", {}, !stays && back, h("h3", {}, title)));
    panel.stage.append(card);
    panel.main.inert = true;
    if (!stays) back.focus();
    panel.cardStays = stays;
    panel.closeCard = () => {
      panel.closeCard = undefined;
      panel.main.inert = false;
      card.remove();
      // The opener may be gone by now.
      panel.element.focus();
      if (opener instanceof HTMLElement) opener.focus();
    };
  }

  /**
   * @param {Panel} panel
   * @param {Record<string, any>} source
   */
  function showSource(panel, { citation, title, page, heading, url, quote, chunk_preview }) {
    const place = [page && fill(words.page, page), heading !== title && heading].filter(Boolean).join(" · ");
    const passage = chunk_preview.includes(quote) ? chunk_preview : quote;
    const at = passage.indexOf(quote);
    const open = url && link(cited(url, page, quote), words.openPage, " ↗");
    if (open) open.className = "link";
    const label = fill(words.source, citation);
    const card = h("section.card", { "aria-label": label },
      h("div", {}, h("h3", { dir: "auto" }, title), place && h("p.note", {}, place)),
      h("blockquote.passage", { dir: "auto" }, passage.slice(0, at), h("mark", {}, quote), passage.slice(at + quote.length)),
      // What cannot be followed is not offered.
      open?.href && open,
    );
    openCard(panel, card, label);
  }

  /**
   * A form as a card: what goes wrong stands in it, and it is sent once at a time.
   * @param {string} label
   * @param {(problem: HTMLElement) => Promise<void>} send
   * @param {any[]} children
   */
  function form(label, send, children) {
    const problem = h("p.note.problem", { role: "alert" });
    /** @param {Event} event */
    const onsubmit = async (event) => {
      event.preventDefault();
      const button = event.target instanceof HTMLElement && event.target.querySelector("[type=submit]");
      if (button instanceof HTMLButtonElement) button.disabled = true;
      problem.textContent = "";
      try {
        await send(problem);
      } catch (error) {
        report(error);
        const { code, status } = Object(error);
        problem.textContent = code === "WRONG_CODE" ? words.wrongCode : status === 429 ? words.busy : words.failed;
      }
      if (button instanceof HTMLButtonElement) button.disabled = false;
    };
    return h("form.card", { "aria-label": label, onsubmit }, ...children, problem);
  }

  /** @param {Panel} panel */
  const emailInput = ({ widget }) =>
    h("input.input", { type: "email", name: "email", autocomplete: "email", dir: "ltr", required: true, maxlength: 254, value: widget.user.email });

  /** @param {Panel} panel */
  function showPerson(panel) {
    const { client, store } = panel.widget;
    const email = emailInput(panel);
    const asked = store.messages.findLast((/** @type {any} */ { role }) => role === "user");
    const message = h("textarea.input", { required: true, maxlength: MAX_MESSAGE, dir: "auto" }, asked?.text);
    const send = async () => {
      const request = { agent_id: client.agent, email: email.value.trim(), message: message.value.trim() };
      await client.session();
      await client.call("escalate", request);
      emit("escalation", request);
      showSent(panel, card, request.email);
    };
    const card = form(words.person, send, [
      h("p.note", {}, words.personIntro),
      h("label", {}, words.email, email),
      h("label", {}, words.message, message),
      h("button.primary", { type: "submit" }, words.sendRequest),
    ]);
    openCard(panel, card, words.person);
    email.focus();
  }

  /**
   * @param {Panel} panel
   * @param {HTMLElement} card
   * @param {string} email
   */
  function showSent(panel, card, email) {
    const back = h("button.primary", { onclick: () => panel.closeCard?.() }, words.backToChat);
    const sent = fill(words.sent, email);
    card.replaceChildren(h("div.centre", {}, icon(CHECK), h("h3", {}, words.sentTitle), h("p.note", {}, sent)), back);
    panel.announce(`${words.sentTitle}. ${sent}`);
    back.focus();
  }

  /**
   * Contacts sign in by a code that is mailed to them.
   * @param {Panel} panel
   */
  function signIn(panel) {
    const { client, store } = panel.widget;
    const email = emailInput(panel);
    const agent_id = client.agent;
    const askCode = form(words.signIn, async () => {
      await client.call("sign-in", { agent_id, email: email.value.trim() });
      openCard(panel, giveCode, words.signIn, true);
      panel.announce(sent.textContent = fill(words.codeSent, email.value.trim()));
      code.focus();
    }, [
      h("div.centre", {}, icon(LOCK), h("p.note", {}, words.signInIntro)),
      h("label", {}, words.email, email),
      h("button.primary", { type: "submit" }, words.sendCode),
    ]);
    const sent = h("p.note", { dir: "auto" });
    const code = h("input.input.code", { inputmode: "numeric", autocomplete: "one-time-code", pattern: "[0-9 ]*", dir: "ltr", required: true, maxlength: 7 });
    const giveCode = form(words.signIn, async () => {
      const given = { agent_id, email: email.value.trim(), code: code.value.replace(/ /g, "") };
      store.adopt(await (await client.call("sign-in", given)).json());
      panel.closeCard?.();
      panel.input.focus();
      await panel.enter();
    }, [
      sent,
      h("label", {}, words.code, code),
      h("button.primary", { type: "submit" }, words.signIn),
      h("button.link", { onclick: () => openCard(panel, askCode, words.signIn, true) }, words.otherEmail),
    ]);
    openCard(panel, askCode, words.signIn, true);
    email.focus();
  }

  /**
   * Shows a visitor who is known what was said in their session, wherever that was.
   * @param {Panel} panel
   */
  async function remember(panel) {
    const { widget } = panel;
    const { client, store } = widget;
    // What is asked meanwhile is not in it yet, and must not be lost.
    const before = store.messages.length;
    if (panel.stream) return;
    const { messages } = await (await client.call(`history?agent_id=${encodeURIComponent(client.agent)}`)).json();
    if (panel.stream || store !== widget.store || store.messages.length !== before) return;
    store.messages = messages.flatMap((/** @type {any} */ { message_id, question, answer, feedback_type, files, ...rest }) => [
      { role: "user", text: question, files },
      { ...rest, role: "agent", text: answer, id: message_id, feedback: feedback_type, state: "done", question },
    ]);
    panel.fill();
  }

  // ---------------------------------------------------------------- what was thought of an answer

  /**
   * @param {Panel} panel
   * @param {Record<string, any>} view of the answer
   * @param {string} type
   */
  function askWhy(panel, view, type) {
    const label = type === "THUMBS_UP" ? words.whatHelped : words.whatWasMissing;
    const input = h("input.input", { maxlength: 1000, dir: "auto", "aria-label": label, placeholder: label });
    /** @param {Event} event */
    const onsubmit = (event) => {
      event.preventDefault();
      const comment = input.value.trim();
      if (comment) view.sendFeedback(type, comment);
      why.replaceWith(h("p.note", {}, words.thanks));
      panel.announce(words.thanks);
      panel.input.focus();
    };
    const why = h("form.comment", { onsubmit }, input, h("button.link", { type: "submit" }, words.send));
    view.extra.querySelector(".comment")?.remove();
    view.extra.append(why);
    // Who is content goes on; who is not may say why.
    if (type === "THUMBS_DOWN") input.focus();
    else panel.announce(words.thanks);
    panel.follow();
  }

  // ---------------------------------------------------------------- files

  /**
   * @param {Panel} panel
   * @param {File[]} files
   */
  async function attach(panel, files) {
    const { client, config } = panel.widget;
    const { max_files, max_file_mb, file_types } = config.attachments;
    /** @param {string} text */
    const refuse = (text) => {
      const note = h("p.note.problem", { role: "alert" }, text);
      panel.chips.before(note);
      setTimeout(() => note.remove(), 8000);
    };
    for (const file of files) {
      const ending = file.name.toLowerCase().split(".").pop() ?? "";
      if (panel.chips.childElementCount >= max_files) return refuse(fill(words.tooMany, max_files));
      if (file.size > max_file_mb * 1024 * 1024) refuse(fill(words.tooLarge, file.name));
      else if (!file_types.includes(ending)) refuse(fill(words.wrongType, file.name));
      else await upload(file);
    }

    /** @param {File} file */
    async function upload(file) {
      const name = h("span", {}, fill(words.reading, file.name));
      const chip = h("span.chip", {}, name);
      panel.chips.append(chip);
      const body = new FormData();
      body.append("agent_id", client.agent);
      body.append("file", file);
      panel.reading++;
      panel.typed();
      try {
        await client.session();
        const attached = await (await client.call("files", body)).json();
        name.textContent = attached.name;
        panel.files.push(attached);
        chip.append(iconButton(fill(words.remove, attached.name), icon(CLOSE), () => {
          panel.files.splice(panel.files.indexOf(attached), 1);
          chip.remove();
          panel.input.focus();
        }));
      } catch (error) {
        report(error);
        chip.remove();
        refuse(fill(words.unreadable, file.name));
      }
      panel.reading--;
      panel.typed();
    }
  }

  // ---------------------------------------------------------------- polling

  /**
   * The frames of an answer by asking again and again, for pages behind a proxy that holds streams back.
   * @param {Record<string, any>} client
   * @param {object} body
   * @param {AbortSignal} signal
   * @param {string} lastEventId
   */
  async function* polled(client, body, signal, lastEventId) {
    for (let done = false; !done; ) {
      const answer = await (await client.call("chat", { ...body, delivery: "poll" }, { signal, lastEventId })).json();
      const first = parseInt(answer.last_event_id.split(":")[1]) - answer.frames.length;
      for (const [n, frame] of answer.frames.entries()) yield { id: `${answer.message_id}:${first + n + 1}`, frame };
      lastEventId = answer.last_event_id;
      done = answer.done;
      if (!done) await pause(POLL_PAUSE, signal);
    }
  }

  return {
    CSS, work, chime, polled, remember, toggleMenu, showSource, showPerson, signIn, askWhy, attach,
    /** Takes the words that the page's configuration has brought. */
    speak() {
      words = { ...ENGLISH, ...kit.words() };
    },
  };
}

export default extras;
