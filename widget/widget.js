/*
 * Frontdesk's chat widget: one script tag puts an assistant that answers with checked sources
 * on any page.
 *
 *   <script src="https://HOST/widget.js" data-agent-id="agent_…" data-api-key="pk_live_…" async></script>
 *
 * It lives in a shadow root, styles itself with a constructed stylesheet and builds every node by
 * hand, so that neither the page's CSS, nor a strict Content-Security-Policy, nor what a model or a
 * document says can break it or break out of it.
 *
 * What stands around the conversation (menu, cards, forms, files, sound) is in extras.js, which is fetched after the
 * first answer, or when it is wanted before. The words of other languages than English come with the configuration.
 *
 * The server makes this file short before it sends it (crates/chat/src/script/minify.rs): it drops comments and white
 * space and renames variables. So statements end with semicolons and are never empty, and a statement declares one variable.
 */
(() => {
  "use strict";

  // A tag manager that includes the script twice must not get two widgets.
  if (Reflect.get(window, "Frontdesk")?.init) return;

  /**
   * @typedef {"light" | "dark" | "auto"} Theme
   * @typedef {"bottom-right" | "bottom-left" | "top-right" | "top-left"} Position
   * @typedef {"ready" | "open" | "close" | "message" | "answer" | "unanswered" | "escalation" | "feedback" | "error"} EventName
   * @typedef {(data: any) => void} Listener
   *
   * @typedef {object} Options what the page asks for; it wins over the console's settings
   * @property {string} [agentId]
   * @property {string} [chatbotId] the same in A2V2's dialect
   * @property {string} [apiKey]
   * @property {string} [baseUrl] where Frontdesk runs, when it is not where the script came from
   * @property {Theme} [theme]
   * @property {Position} [position]
   * @property {string} [primaryColor] `#rrggbb`
   * @property {number | string} [borderRadius] pixels
   * @property {string | Element} [inline] an element, or its selector, to fill instead of floating
   * @property {string} [lang] the interface's language; the browser's when it is not given
   * @property {string} [userId] the site's id of its visitor, with `userHash`: see `identify`
   * @property {string} [userHash]
   *
   * @typedef {object} User who the visitor is, as the site has it
   * @property {string} [userId]
   * @property {string} [userHash] the HMAC-SHA256 of `userId` under the workspace's identity secret, which its server makes
   * @property {string} [email] stands in the form to a person
   *
   * @typedef {object} Config the answer of `GET /api/v1/widget/config/{agent_id}`
   * @property {string} agent_name
   * @property {{theme: Theme, primary_color: string, border_radius: number, position: Position}} appearance
   * @property {{greeting_enabled?: boolean, greeting_delay?: number, greeting_message?: string, suggested_questions: string[], auto_open?: boolean}} behavior
   * @property {{show_powered_by?: boolean, avatar_url?: string | null, subtitle?: string | null}} branding
   * @property {{max_files: number, max_file_mb: number, file_types: string[]}} [attachments] absent where no files are taken
   * @property {"open" | "restricted"} [access] restricted: visitors sign in
   * @property {Record<string, string>} [language] the interface's words, when they are not English
   *
   * @typedef {{id: string, name: string}} Attached
   *
   * @typedef {object} Source
   * @property {string} document_id
   * @property {string} title
   * @property {string} chunk_preview
   * @property {string} quote
   * @property {number} citation the n of the answer's `[n]`
   * @property {string | null} [url]
   * @property {number | null} [page]
   * @property {string | null} [heading]
   *
   * @typedef {object} Message
   * @property {"user" | "agent"} role
   * @property {string} text
   * @property {string} [id] the server's message id
   * @property {Source[]} [sources]
   * @property {"streaming" | "done" | "stopped" | "failed"} [state]
   * @property {boolean} [answered] false: the documents did not hold the answer
   * @property {string} [feedback]
   * @property {string} [notice] what the visitor reads when it failed
   * @property {string} [question] what it answers
   * @property {string} [request] what the question is called, so that asking again does not ask twice
   * @property {number} [at] when it was asked
   * @property {Attached[]} [files]
   *
   * @typedef {{type: "start", message_id: string}
   *   | {type: "status", status: string}
   *   | {type: "token", content: string}
   *   | {type: "sources", sources: Source[]}
   *   | {type: "done", confidence: number, answered: boolean, model: string, degraded: boolean, contact?: boolean}
   *   | {type: "error", message: string, code: string}} Frame
   */

  /** The words of the interface; `%` is where something stands. Those of extras.js are there. */
  const ENGLISH = {
    lang: "en",
    dir: "ltr",
    openChat: "Open chat",
    closeChat: "Close chat",
    chat: "Chat",
    dialog: "Chat with %",
    subtitle: "AI assistant · Answers with sources",
    menu: "More options",
    person: "Talk to a person",
    dismiss: "Dismiss",
    conversation: "Conversation",
    suggestions: "Suggested questions",
    placeholder: "Ask a question…",
    send: "Send",
    stop: "Stop",
    unread: "Open chat, % new",
    hint: "AI answers can be wrong. Please check the sources.",
    poweredBy: "Powered by %",
    retrieving: "Searching our documents…",
    thinking: "Thinking…",
    reconnecting: "Connection lost. Reconnecting…",
    waiting: "One moment…",
    stopped: "Stopped",
    sources: "Sources",
    source: "Source %",
    pageShort: "p. %",
    copy: "Copy answer",
    copied: "Copied",
    helpful: "Helpful",
    notHelpful: "Not helpful",
    thanks: "Thanks for your feedback.",
    unanswered: "A person on our team can help.",
    retry: "Try again",
    failed: "Sorry, that did not work. Please try again in a moment.",
    busy: "That was a lot at once. Please wait a moment and try again.",
    unreachable: "We cannot be reached right now. Please check your connection and try again.",
    unavailable: "This chat is not available right now. Please try again later.",
    offline: "You are offline. We will go on as soon as you are connected again.",
    attach: "Attach a file",
  };
  /** @type {typeof ENGLISH & Record<string, string>} */
  let strings = ENGLISH;

  /**
   * @param {string} words
   * @param {string | number} value
   */
  const fill = (words, value) => words.replace("%", String(value));

  const MAX_MESSAGE = 4000;
  const MAX_HISTORY = 50;
  const MAX_RETRIES = 3;
  // An answer's first frame is sent at once: when it has not come by then, something on the way holds streams back.
  const PATIENCE = 5000;
  // The server keeps an answer for five minutes after its end.
  const RESUMED_FOR = 240_000;
  // Narrow screens, and phones held sideways, get the whole screen.
  const PHONE = "(max-width:480px),(max-height:480px) and (pointer:coarse)";

  /** @type {Config} */
  const DEFAULTS = {
    agent_name: "Chat",
    appearance: { theme: "auto", primary_color: "", border_radius: 12, position: "bottom-right" },
    behavior: { suggested_questions: [] },
    branding: {},
  };

  // Paths of 24 × 24 line icons.
  /** @type {Record<string, string>} */
  const ICONS = {
    chat: "M21 11.5a8.5 8.5 0 0 1-12.5 7.5L3 21l2-5.5A8.5 8.5 0 1 1 21 11.5Z",
    down: "m6 9 6 6 6-6",
    close: "M18 6 6 18M6 6l12 12",
    send: "M12 19V5m-7 7 7-7 7 7",
    stop: "M8 8h8v8H8zM10 10h4v4h-4zM12 12h.01",
    more: "M5 12h.01M12 12h.01M19 12h.01",
    copy: "M9 9h11v11H9zM5 15H4V4h11v1",
    check: "M20 6 9 17l-5-5",
    thumb: "M7 10v11H4V10zm0 0 4-8a3 3 0 0 1 3 3v4h5.5a2 2 0 0 1 2 2.3l-1.3 8a2 2 0 0 1-2 1.7H7",
    person: "M19 21v-1a5 5 0 0 0-5-5h-4a5 5 0 0 0-5 5v1M12 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z",
    fresh: "M3 12a9 9 0 1 0 3-6.7L3 8M3 3v5h5",
    clip: "m20 11.5-8.6 8.6a5.5 5.5 0 0 1-7.8-7.8l8.6-8.6a3.7 3.7 0 0 1 5.2 5.2l-8.6 8.6a1.8 1.8 0 0 1-2.6-2.6l7.9-7.9",
  };

  // What stands on the page from the beginning, and what an opened panel needs besides.
  const BASE_CSS = `
:host{all:initial!important;position:fixed!important;z-index:2147483000!important}
:host([data-inline]){display:block!important;position:relative!important;z-index:auto!important;width:100%!important;height:100%!important;min-height:480px!important}
.root,*{box-sizing:border-box}
.root{--r2:calc(var(--r)*1.34);--bg:#fff;--soft:#f3f4f7;--line:#e3e6eb;--text:#15181e;--dim:#596070;--shadow:0 8px 40px rgb(15 20 40/.2),0 1px 6px rgb(15 20 40/.1);font:15px/1.55 Inter,system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;color:var(--text);color-scheme:light;-webkit-text-size-adjust:100%}
.dark{--bg:#15171c;--soft:#22252d;--line:#363b47;--text:#f0f2f6;--dim:#a5adbb;--shadow:0 8px 40px rgb(0 0 0/.5),0 0 0 1px #2b2f39;color-scheme:dark}
button,input,textarea{font:inherit;color:inherit;background:none;border:0;margin:0;padding:0;text-align:start}
button{cursor:pointer}
button,.field{transition:background .15s,border-color .15s,box-shadow .15s,transform .2s}
:focus{outline:0}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
[hidden]{display:none!important}
svg{width:20px;height:20px;display:block;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;flex:none}
p,ul,ol,h2,h3,h4,pre,blockquote{margin:0;padding:0}
.bubble,.teaser,.panel{position:fixed;bottom:20px;right:20px;box-shadow:var(--shadow)}
.bubble{width:60px;height:60px;border-radius:50%;background:var(--fill);color:var(--on);display:grid;place-items:center}
.bubble:hover{transform:scale(1.06)}
.bubble:focus-visible{box-shadow:0 0 0 4px var(--bg)}
.bubble svg{width:28px;height:28px;grid-area:1/1;transition:.25s}
.bubble svg+svg,.opened .bubble svg{opacity:0;transform:rotate(-60deg) scale(.5)}
.opened .bubble svg+svg{opacity:1;transform:none}
.badge{position:absolute;top:-3px;inset-inline-end:-3px;min-width:22px;padding:0 6px;border-radius:11px;font:600 12px/22px system-ui,sans-serif;text-align:center;background:#d01c1c;color:#fff;box-shadow:0 0 0 2px var(--bg)}
.teaser{bottom:94px;max-width:min(300px,calc(100vw - 40px));background:var(--bg);border-radius:var(--r2);animation:rise .3s}
.teaser>button:first-child{padding-block:14px;padding-inline:16px 42px;border-radius:inherit;overflow-wrap:anywhere}
.teaser>.icon{position:absolute;top:8px;inset-inline-end:8px;color:var(--dim)}
[data-position^=top] :is(.bubble,.teaser,.panel){top:96px;bottom:auto}
[data-position^=top] .bubble{top:20px}
[data-position$=left] :is(.bubble,.teaser,.panel){left:20px;right:auto}
.icon{width:36px;height:36px;border-radius:10px;display:grid;place-items:center;flex:none}
.icon:hover,.icon[aria-pressed=true]{background:color-mix(in srgb,currentColor,transparent 86%)}
:is(.row,.link,.teaser) svg{width:16px;height:16px}
@keyframes rise{from{opacity:0;transform:translateY(8px)}}
@media (prefers-reduced-motion){.root *,::before,::after{animation:none!important;transition:none!important}}
@media (forced-colors:active){.bubble,.text,.panel{border:1px solid}}
`;
  const PANEL_CSS = `
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.panel{bottom:96px;width:min(408px,calc(100vw - 40px));height:min(690px,calc(100vh - 120px));display:flex;flex-direction:column;background:var(--bg);border-radius:var(--r2);overflow:hidden;animation:rise .24s}
.inline{height:100%;min-height:inherit}
.inline .panel{position:absolute;inset:0!important;width:auto;height:auto;animation:none;box-shadow:inset 0 0 0 1px var(--line)}
.head{display:flex;align-items:center;gap:12px;padding-block:14px;padding-inline:16px 12px;background:linear-gradient(120deg,var(--fill),color-mix(in srgb,var(--fill),var(--away) 22%));color:var(--on);position:relative;flex:none}
.head>:focus-visible{outline-color:var(--on);outline-offset:-2px}
.face{width:40px;height:40px;border-radius:50%;display:grid;place-items:center;font-size:17px;font-weight:600;object-fit:cover;flex:none;border:1.5px solid}
.who{flex:1;min-width:0}
[dir=rtl] .who *{text-align:right}
.who h2{font-size:16px;line-height:1.3}
.who p{font-size:12.5px;line-height:1.35}
.who *,.chip span{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
[aria-controls] path{stroke-width:3.5}
.stage,.main{flex:1;min-height:0;display:flex;flex-direction:column;position:relative}
.list{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:20px 16px 12px;display:flex;flex-direction:column;gap:14px;outline-offset:-3px!important}
.list>*,.compose,.foot,.card>*{width:100%;max-width:744px;margin-inline:auto}
.msg,.extra{display:flex;flex-direction:column;align-items:flex-start;gap:8px}
.msg{animation:rise .22s}
.user{align-items:flex-end}
.text{max-width:94%;padding:10px 14px;border-radius:var(--r2);background:var(--soft);overflow-wrap:anywhere}
.agent .text{border-end-start-radius:4px}
.user .text{max-width:86%;background:var(--fill);color:var(--on);border-end-end-radius:4px;white-space:pre-wrap}
.text>*+*,li>*+*,blockquote>*+*{margin-top:8px}
.text :is(ul,ol){padding-inline-start:22px}
.text li+li{margin-top:4px}
li::marker{color:var(--dim)}
h3{font-size:16px;line-height:1.35}
h4{font-size:15px}
a{color:var(--accent);text-underline-offset:2px;border-radius:3px}
code{font:.88em/1.5 ui-monospace,Menlo,Consolas,monospace;background:var(--line);padding:1px 5px;border-radius:5px}
pre,.scroll{overflow-x:auto}
pre{padding:10px 12px!important;border-radius:8px;background:#1b1e26;color:#e9ecf2}
pre code{background:none;padding:0;overflow-wrap:normal}
.text blockquote{padding-inline-start:12px;border-inline-start:3px solid var(--line);color:var(--dim)}
hr{border:0;border-top:1px solid var(--line)}
table{border-collapse:collapse;font-size:14px}
th,td{padding:6px 10px;border:1px solid var(--line);text-align:start;overflow-wrap:normal}
sup{font-size:11px;line-height:0;vertical-align:2px}
sup *{display:inline-block;min-width:18px;margin:0 1px;padding:0 5px;border-radius:9px;line-height:18px;font-weight:600;text-align:center;background:var(--bg);color:var(--accent);position:relative}
sup button::after{content:"";position:absolute;inset:-4px -3px}
sup button:hover{background:var(--fill);color:var(--on)}
.wait{display:flex;align-items:center;gap:10px;color:var(--dim);font-size:14px}
.wait i{display:flex;gap:4px}
.wait b,i::before,i::after{content:"";width:7px;height:7px;border-radius:50%;background:var(--accent);animation:pulse 1.2s infinite}
.wait b{animation-delay:.15s}
i::after{animation-delay:.3s}
.extra{width:100%}
.extra:empty{display:none}
.row{display:flex;flex-wrap:wrap;gap:6px}
.chip,.link,.ask{border:1px solid var(--line);border-radius:18px;font-size:14px;line-height:1.4;overflow-wrap:anywhere}
.link,.ask{padding:7px 14px;color:var(--accent);font-weight:500}
:is(.chip,.link,.ask):hover{border-color:var(--accent);background:var(--soft)}
.chip{display:flex;align-items:center;gap:7px;max-width:min(100%,250px);padding:3px;padding-inline:4px 10px;font-size:13px}
.chip b{min-width:22px;padding:0 6px;border-radius:11px;line-height:22px;font-size:11.5px;text-align:center;background:var(--soft);color:var(--accent)}
.link{display:flex;flex:none;gap:8px;align-items:center;text-decoration:none}
.row .icon{width:30px;height:30px;color:var(--dim)}
.row .icon[aria-pressed=true]{color:var(--accent)}
.flip{transform:scaleY(-1)}
.offline{padding:6px 16px 0;text-align:center}
.files{display:flex;flex-wrap:wrap;gap:6px}
.compose .files:not(:empty){padding-bottom:8px}
.files .chip{padding:3px 10px}
.user .files:not(:empty){margin-top:8px}
.note{font-size:13px;color:var(--dim)}
.asks{display:flex;flex-direction:column;align-items:flex-end;gap:8px;margin-top:auto}
.compose{position:relative;padding:4px 14px 0;flex:none}
.field{display:flex;align-items:flex-end;gap:4px;padding:5px;padding-inline-start:14px;border:1px solid var(--line);border-radius:calc(var(--r) + 10px)}
.field:focus-within{border-color:var(--accent);box-shadow:0 0 0 1px var(--accent)}
.field textarea{flex:1;min-width:0;resize:none;max-height:140px;padding:7px 0;line-height:22px;height:36px;outline:0}
::placeholder{color:var(--dim);opacity:1}
.field .icon{border-radius:calc(var(--r) + 5px)}
.field .send{background:var(--fill);color:var(--on);margin-inline-start:4px}
.field .send:disabled{background:var(--soft);color:var(--dim);cursor:default}
.foot{padding:8px 16px 10px;font-size:11.5px;line-height:1.4;color:var(--dim);text-align:center}
@keyframes pulse{0%,60%,to{opacity:.3}30%{opacity:1}}
@media ${PHONE}{
.root:not(.inline) .panel{inset:var(--top) 0 auto!important;width:auto;height:var(--height);border-radius:0}
.opened .bubble{display:none}
.inline .panel{border-radius:0}
textarea,input{font-size:16px!important}
.foot{padding-bottom:max(10px,env(safe-area-inset-bottom))}
}
`;

  // ---------------------------------------------------------------- building nodes

  /**
   * An element with attributes, `on…` listeners and children.
   * @template {keyof HTMLElementTagNameMap} K
   * @param {K | `${K}.${string}`} tag may carry classes: `div.msg.user`
   * @param {Record<string, any>} [attributes] null and false leave an attribute out
   * @param {...(Node | string | null | undefined | false)} children
   * @returns {HTMLElementTagNameMap[K]}
   */
  function h(tag, attributes = {}, ...children) {
    const [name, ...classes] = tag.split(".");
    const element = document.createElement(name);
    element.className = classes.join(" ");
    if (element instanceof HTMLButtonElement) element.type = "button";
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(key.slice(2), value);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value != null) element.setAttribute(key, value);
    }
    for (const child of children) if (child) element.append(child);
    return (
      /** @type {any} */
      (element)
    );
  }

  /**
   * @param {string} name or the path of one that is not among the icons
   * @param {string} [className]
   */
  function icon(name, className = "") {
    const namespace = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(namespace, "svg");
    const path = document.createElementNS(namespace, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", className);
    path.setAttribute("d", ICONS[name] ?? name);
    svg.append(path);
    return svg;
  }

  /**
   * @param {string} label
   * @param {Node} picture
   * @param {() => void} onclick
   * @param {Record<string, any>} [attributes]
   */
  function iconButton(label, picture, onclick, attributes) {
    return h("button.icon", { "aria-label": label, title: label, onclick, ...attributes }, picture);
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {() => void} onclick
   */
  const iconAndLabel = (name, label, onclick) => h("button.link", { onclick }, icon(name), label);

  // ---------------------------------------------------------------- colours

  /** @typedef {number[]} Rgb red, green and blue, 0 to 255 */

  /**
   * @param {unknown} hex `#rrggbb`
   * @returns {Rgb | undefined}
   */
  function parseColor(hex) {
    const digits = String(hex).match(/[\da-f]{2}/gi);
    const color = digits?.map((pair) => parseInt(pair, 16));
    return color?.length === 3 ? color : undefined;
  }

  /** @param {Rgb} color relative luminance as WCAG 2 defines it */
  function luminance(color) {
    const [r, g, b] = color.map((channel) => {
      const c = channel / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  /**
   * @param {Rgb} a
   * @param {Rgb} b
   */
  function contrast(a, b) {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  }

  /** @type {Rgb} */
  const WHITE = [255, 255, 255];
  /** @type {Rgb} */
  const BLACK = [0, 0, 0];

  /**
   * White where it can be read, else black: one of the two reaches 4.58 on every colour.
   * @param {Rgb} background
   */
  const textOn = (background) => (contrast(WHITE, background) >= 4.5 ? WHITE : BLACK);

  /**
   * The colour itself, or as little of it as must go for text in it to be readable.
   * @param {Rgb} color
   * @param {Rgb} background
   */
  function readableOn(color, background) {
    const target = textOn(background);
    let result = color;
    for (let part = 0; contrast(result, background) < 4.6 && part <= 1; part += 0.05) {
      result = color.map((c, i) => Math.round(c + (target[i] - c) * part));
    }
    return result;
  }

  /** @param {Rgb} color */
  const css = (color) => `rgb(${color})`;

  // ---------------------------------------------------------------- Markdown
  // The part of CommonMark, with tables, that models write. Nodes are made one by one, so text can
  // never become markup; an address is followed only with a scheme that cannot run code.

  /** @typedef {"fence" | "heading" | "rule" | "quote" | "list" | "table" | "paragraph"} Kind */
  /** @typedef {{kind: Kind, lines: string[]}} Block */
  /** @typedef {(citation: number) => Node | null} Cite makes the mark for `[n]` */

  /**
   * How the first line of each kind of block looks; of a table, the second.
   * @type {Record<string, RegExp>}
   */
  const BLOCKS = {
    fence: /^ {0,3}(```|~~~)/,
    heading: /^ {0,3}(#{1,6})\s+(.*?)[\s#]*$/,
    rule: /^ {0,3}([-*_])(\s*\1){2,}\s*$/,
    quote: /^ {0,3}> ?/,
    list: /^(\s*)([-*+]|\d{1,9}[.)])\s+(?=\S)/,
    table: /^(?=.*-)[\s:|-]*\|[\s:|-]*$/,
  };
  // Deeper nesting is drawn as text.
  const MAX_DEPTH = 6;

  /**
   * @param {string[]} lines
   * @param {number} i
   */
  function blockKind(lines, i) {
    const kind = Object.keys(BLOCKS).find((name) => BLOCKS[name].test(lines[name === "table" ? i + 1 : i] ?? ""));
    return /** @type {Kind} */ (kind ?? "paragraph");
  }

  /** @param {string} line the bullet or number that begins it, and how deep it stands */
  function marker(line) {
    const match = BLOCKS.list.exec(line);
    return match && { depth: match[1].length, ordered: match[2].length > 1, width: match[0].length };
  }

  /**
   * @param {Kind} kind
   * @param {string[]} lines
   * @param {number} i a line after the first of a block
   * @param {number} start its first
   */
  function belongs(kind, lines, i, start) {
    const line = lines[i];
    if (kind === "fence") return i - 1 === start || !lines[i - 1].trim().startsWith(lines[start].trim().slice(0, 3));
    if (kind === "list") {
      // A blank line parts items only when no item and no indented line follows.
      const text = line.trim() ? line : (lines[i + 1] ?? "");
      const [top, item] = [marker(lines[start]), marker(text)];
      if (item) return item.depth > (top?.depth ?? 0) || item.ordered === top?.ordered;
      return /^\s{2,}\S/.test(text) || (text === line && blockKind(lines, i) === "paragraph");
    }
    if (!line.trim() || kind === "heading" || kind === "rule") return false;
    if (kind === "quote") return BLOCKS.quote.test(line);
    if (kind === "table") return line.includes("|");
    return blockKind(lines, i) === "paragraph";
  }

  /** @param {string[]} lines */
  function parseBlocks(lines) {
    /** @type {Block[]} */
    const blocks = [];
    for (let i = 0; i < lines.length; ) {
      const start = i++;
      if (!lines[start].trim()) continue;
      const kind = blockKind(lines, start);
      while (i < lines.length && belongs(kind, lines, i, start)) i++;
      blocks.push({ kind, lines: lines.slice(start, i) });
    }
    return blocks;
  }

  /**
   * What stands in a line and the node it becomes; of two that begin together the first wins.
   * @type {[RegExp, (match: RegExpExecArray, nested: (text: string) => Node, cite: Cite) => Node | string][]}
   */
  const INLINE = [
    [/\\([!-/:-@[-`{-~])/, ([, escaped]) => escaped],
    [/(`+)(.+?)\1(?!`)/s, ([, , code]) => h("code", {}, code)],
    [
      /!?\[((?:[^[\]]|\[[^[\]]*\])*)\]\(\s*<?((?:[^\s()<>]|\([^\s()<>]*\))*)>?(?:\s+"[^"]*")?\s*\)/,
      ([, label, href], nested) => link(href, nested(label || href)),
    ],
    [/\s?\[(\d{1,3})\]/, citation],
    [/(\*\*|(?<!\w)__)(?=\S)(.+?)(?<=\S)\1/s, ([, , strong], nested) => h("strong", {}, nested(strong))],
    [/(\*|(?<!\w)_)(?=\S)(.+?)(?<=\S)\1(?!\w)/s, ([, , emphasis], nested) => h("em", {}, nested(emphasis))],
    [/<?(https?:\/\/[^\s<>]*[^\s<>.,:;!?"')\]*_])>?/, ([, address]) => link(address, address)],
    // Line ends are kept, as people expect in a chat.
    [/\n/, () => h("br")],
  ];

  /**
   * @param {RegExpExecArray} match
   * @param {unknown} _
   * @param {Cite} cite
   */
  function citation([whole, number], _, cite) {
    const mark = cite(Number(number));
    return mark ? h("sup", {}, mark) : whole;
  }

  /**
   * @param {string} href
   * @returns {string | undefined} the address if it is one a visitor may be sent to
   */
  function safeUrl(href) {
    try {
      const url = new URL(href);
      return /^(https?|mailto):$/.test(url.protocol) ? url.href : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * @param {string} href
   * @param {...(Node | string)} label
   */
  function link(href, ...label) {
    const safe = safeUrl(href);
    return safe
      ? h("a", { href: safe, target: "_blank", rel: "noopener noreferrer nofollow" }, ...label)
      : h("span", {}, ...label);
  }

  /**
   * @template {ParentNode & Node} P
   * @param {P} parent
   * @param {string} text
   * @param {Cite} cite
   * @param {number} [depth]
   */
  function renderInline(parent, text, cite, depth = 0) {
    /** @param {string} inner */
    const nested = (inner) => renderInline(document.createDocumentFragment(), inner, cite, depth + 1);
    while (depth < MAX_DEPTH) {
      /** @type {RegExpExecArray | undefined} */
      let first;
      let make = INLINE[0][1];
      for (const rule of INLINE) {
        const match = rule[0].exec(text);
        if (match && match.index < (first?.index ?? Infinity)) [first, make] = [match, rule[1]];
      }
      if (!first) break;
      parent.append(text.slice(0, first.index), make(first, nested, cite));
      text = text.slice(first.index + first[0].length);
    }
    parent.append(text);
    return parent;
  }

  /**
   * @param {Block} block
   * @param {Cite} cite
   * @param {number} depth
   * @returns {Node}
   */
  function renderBlock({ kind, lines }, cite, depth) {
    switch (depth < MAX_DEPTH ? kind : "paragraph") {
      case "fence":
        return h("pre", { tabindex: 0 }, h("code", {}, lines.slice(1).join("\n").replace(/\n?\s*(```|~~~)$/, "")));
      case "heading": {
        const [, hashes, text] = BLOCKS.heading.exec(lines[0]) ?? ["", "", ""];
        return renderInline(h(hashes.length < 3 ? "h3" : "h4"), text, cite);
      }
      case "rule":
        return h("hr");
      case "quote":
        return renderBlocks(h("blockquote"), lines.map((line) => line.replace(BLOCKS.quote, "")), cite, depth + 1);
      case "list":
        return renderList(lines, cite, depth);
      case "table":
        return renderTable(lines, cite);
      default:
        return renderInline(h("p"), lines.map((line) => line.trim()).join("\n"), cite);
    }
  }

  /**
   * @param {string[]} lines
   * @param {Cite} cite
   * @param {number} depth
   */
  function renderList(lines, cite, depth) {
    const first = marker(lines[0]);
    const list = first?.ordered ? h("ol", { start: parseInt(lines[0]) }) : h("ul");
    /** @type {string[][]} */
    const items = [];
    for (const line of lines) {
      const item = marker(line);
      if (item && item.depth < (first?.depth ?? 0) + 2) items.push([line.slice(item.width)]);
      else items.at(-1)?.push(line.replace(/^\s{1,4}/, ""));
    }
    list.append(...items.map((item) => renderBlocks(h("li"), item, cite, depth + 1)));
    return list;
  }

  /**
   * @param {string[]} lines
   * @param {Cite} cite
   */
  function renderTable(lines, cite) {
    const [header, , ...rows] = lines.map((line) => line.trim().replace(/^\||\|$/g, "").split("|"));
    /**
     * @param {"th" | "td"} tag
     * @param {string[]} cells
     */
    const row = (tag, cells) => h("tr", {}, ...header.map((_, i) => renderInline(h(tag), (cells[i] ?? "").trim(), cite)));
    const table = h("table", {}, h("thead", {}, row("th", header)), h("tbody", {}, ...rows.map((cells) => row("td", cells))));
    return h("div.scroll", { tabindex: 0 }, table);
  }

  /**
   * @template {HTMLElement} P
   * @param {P} parent
   * @param {string[]} lines
   * @param {Cite} cite
   * @param {number} depth
   */
  function renderBlocks(parent, lines, cite, depth) {
    parent.append(...parseBlocks(lines).map((block) => renderBlock(block, cite, depth)));
    return parent;
  }

  /**
   * Draws Markdown that grows at its end: a block that did not change keeps its node.
   * @param {HTMLElement} parent
   * @param {string} text
   * @param {Cite} cite
   * @param {string[]} shown what it shows now, block by block
   * @returns {string[]} what it shows then
   */
  function updateMarkdown(parent, text, cite, shown) {
    const blocks = parseBlocks(text.split(/\r\n?|\n/));
    const sources = blocks.map(({ lines }) => lines.join("\n"));
    let same = 0;
    while (same < sources.length && sources[same] === shown[same]) same++;
    while (parent.childNodes.length > same) parent.lastChild?.remove();
    parent.append(...blocks.slice(same).map((block) => renderBlock(block, cite, 0)));
    return sources;
  }

  /** @param {string} text an answer cut anywhere: hides a mark that waits for its other half */
  function closeOpenMarks(text) {
    const cut = text.replace(/\s?\[[^\]]*$|(?<!`)[*_`]+$/, "");
    return cut.split("**").length % 2 ? cut : cut.trimEnd() + "**";
  }

  // ---------------------------------------------------------------- talking to the server

  /** Why a call failed; `status` is 0 when the server was not reached. */
  class Failure extends Error {
    /**
     * @param {string} code
     * @param {string} message
     * @param {number} [status]
     */
    constructor(code, message, status = 0) {
      super(message);
      this.code = code;
      this.status = status;
    }
  }

  class Client {
    /** @param {Widget} widget */
    constructor(widget) {
      const { apiKey, agentId = "" } = widget.options;
      this.widget = widget;
      this.agent = agentId;
      // A public agent's id is its own key.
      this.apiKey = apiKey || agentId;
      /** Whether something on the way holds streams back. */
      this.polls = false;
    }

    /**
     * @param {string} path below `/api/v1/widget/`
     * @param {Record<string, unknown> | FormData} [body] makes it a POST
     * @param {{signal?: AbortSignal, lastEventId?: string, again?: boolean}} [options] `again`: with a new token already
     * @returns {Promise<Response>}
     */
    async call(path, body, options = {}) {
      const { signal, lastEventId } = options;
      const { base, store } = this.widget;
      /** @type {Record<string, string>} */
      const headers = { "X-API-Key": this.apiKey };
      const form = body instanceof FormData;
      if (body && !form) headers["Content-Type"] = "application/json";
      if (lastEventId) headers["Last-Event-ID"] = lastEventId;
      if (store.token) headers["X-Visitor-Session"] = store.token;
      /** @type {RequestInit} */
      const request = { headers, signal, method: body ? "POST" : "GET", body: form ? body : body && JSON.stringify(body), credentials: "omit" };
      const response = await fetch(`${base}/api/v1/widget/${path}`, request).catch((error) => {
        throw new Failure("NETWORK", `${base} cannot be reached: ${error.message}`);
      });
      if (response.ok) return response;
      const { code, message } = await response.json().catch(() => ({}));
      if (code === "VISITOR_SESSION_EXPIRED" && !options.again) {
        await this.begin();
        return this.call(path, body, { ...options, again: true });
      }
      throw new Failure(code ?? "HTTP", message ?? `the server answered ${response.status}`, response.status);
    }

    /** Sees to it that there is a session. */
    async session() {
      const { store } = this.widget;
      if (store.token) return;
      store.begun ??= this.begin().finally(() => (store.begun = undefined));
      await store.begun;
    }

    /**
     * Asks for a session: the one that there was, that of the site's user, or a new one.
     * @param {object} [more]
     */
    async begin(more) {
      const { store, user, base } = this.widget;
      const { token } = store;
      store.token = "";
      const wanted = { agent_id: this.agent, token: token || undefined, user_id: user.userId, user_hash: user.userHash, ...more };
      const granted = await (await this.call("session", wanted)).json();
      if (granted.challenge) {
        const { work } = await extras(base);
        await this.begin({ ...wanted, proof: await work(granted) });
      } else store.adopt(granted);
    }

    /**
     * The frames of one answer. A connection that breaks before the last of them is taken up again
     * where it broke: frames carry ids, and the server sends what follows `Last-Event-ID`.
     * @param {Record<string, unknown>} body
     * @param {AbortSignal} signal
     * @returns {AsyncGenerator<Frame>}
     */
    async *chat(body, signal) {
      let lastEventId = "";
      for (let attempt = 0; ; attempt++) {
        const { polls } = this;
        try {
          await this.session();
          const events = polls ? (await extras(this.widget.base)).polled(this, body, signal, lastEventId) : this.streamed(body, signal, lastEventId);
          for await (const event of events) {
            if (!isAfter(event.id, lastEventId)) continue;
            lastEventId = event.id;
            attempt = 0;
            yield event.frame;
            if (event.frame.type === "done" || event.frame.type === "error") return;
          }
          throw new Failure("NETWORK", "the stream ended before the answer did");
        } catch (error) {
          const final = error instanceof Failure && error.status > 0 && error.status < 502;
          if (signal.aborted || final || attempt === MAX_RETRIES) throw error;
          if (polls !== this.polls) continue;
          yield { type: "status", status: "reconnecting" };
          await pause(500 * 2 ** attempt, signal);
        }
      }
    }

    /**
     * @param {Record<string, unknown>} body
     * @param {AbortSignal} signal
     * @param {string} lastEventId
     * @returns {AsyncGenerator<{id: string, frame: Frame}>}
     */
    async *streamed(body, signal, lastEventId) {
      const life = new AbortController();
      const end = () => life.abort();
      signal.addEventListener("abort", end);
      const held = setTimeout(() => {
        this.polls = true;
        end();
      }, PATIENCE);
      try {
        const response = await this.call("chat", body, { signal: life.signal, lastEventId });
        for await (const event of serverEvents(response)) {
          clearTimeout(held);
          yield { id: event.id, frame: JSON.parse(event.data) };
        }
      } finally {
        clearTimeout(held);
        signal.removeEventListener("abort", end);
      }
    }
  }

  /**
   * Waits so many milliseconds, and on until there is a network; not at all once the signal is given.
   * @param {number} time
   * @param {AbortSignal} signal
   */
  async function pause(time, signal) {
    await new Promise((resolve) => {
      setTimeout(resolve, time);
      signal.addEventListener("abort", resolve);
    });
    if (navigator.onLine || signal.aborted) return;
    await new Promise((resolve) => {
      addEventListener("online", resolve, { once: true });
      signal.addEventListener("abort", resolve);
    });
  }

  /** @type {Promise<any> | undefined} */
  let fetched;

  /**
   * What is in extras.js.
   * @param {string} base
   * @returns {Promise<any>}
   */
  async function extras(base) {
    const address = `${base}/widget-extras.js`;
    const failed = (/** @type {Error} */ error) => {
      fetched = undefined;
      throw new Failure("NETWORK", `${address} cannot be loaded: ${error.message}`);
    };
    fetched ??= import(address).then((module) => module.default(kit)).catch(failed);
    const more = await fetched;
    more.speak();
    return more;
  }

  /**
   * Whether the frame `msg_…:7` comes after another; one without a number always does.
   * @param {string} id
   * @param {string} last
   */
  function isAfter(id, last) {
    const [message, n] = id.split(":");
    const [lastMessage, lastN] = last.split(":");
    return message !== lastMessage || !n || Number(n) > Number(lastN);
  }

  /**
   * Server-sent events as the HTML standard defines them (§ 9.2.6), read from a fetch.
   * @param {Response} response
   */
  async function* serverEvents(response) {
    const stream = response.body?.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    let id = "";
    /** @type {string[]} */
    let data = [];
    for (;;) {
      const read = await stream?.read();
      if (!read?.value) return;
      rest += decoder.decode(read.value, { stream: true });
      // A carriage return at the very end may be half of a CRLF.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [, field, content] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
        if (field === "id") id = content;
        else if (field === "data") data.push(content);
        else if (!line && data.length) {
          yield { id, data: data.join("\n") };
          data = [];
        }
      }
    }
  }

  // ---------------------------------------------------------------- what the browser remembers

  /** Letters and digits that nobody can guess. */
  function random() {
    const bytes = crypto.getRandomValues(new Uint8Array(24));
    return Array.from(bytes, (byte) => (byte & 31).toString(32)).join("");
  }

  /** The session's token and its last messages, in localStorage where the browser allows it. */
  class Store {
    /**
     * @param {string} agentId
     * @param {boolean} [forgets] keeps nothing beyond this page: who the visitor is, is the site's word for this page only
     */
    constructor(agentId, forgets = false) {
      this.key = `frontdesk:${agentId}`;
      this.forgets = forgets;
      /** Where it has ended it can still be changed for a fresh one. */
      this.token = "";
      /** @type {Promise<void> | undefined} a session that is being asked for */
      this.begun = undefined;
      /** Whether the server knows who the visitor is: then what was said is theirs, and not this browser's. */
      this.known = false;
      /** @type {Message[]} */
      this.messages = [];
      this.teaserDismissed = false;
      this.sound = false;
      this.load();
    }

    /** Reads what another page, or an earlier one, has left. */
    load() {
      if (this.forgets) return;
      /** @type {Message[]} what is being answered in this tab */
      const own = this.messages.filter(({ state }) => state === "streaming");
      try {
        const { token, known, messages = [], teaserDismissed, sound } = JSON.parse(localStorage.getItem(this.key) ?? "{}");
        if (!known) {
          /** @param {Message} message */
          const mine = ({ request }) => own.find((message) => request && message.request === request);
          this.messages = messages.map((/** @type {Message} */ message) => (message.role === "agent" && mine(message)) || message);
          this.messages.push(...own.filter((message) => !this.messages.includes(message)));
        }
        Object.assign(this, { token, known, teaserDismissed, sound });
      } catch {
        // Storage is blocked or holds something else: this visit starts afresh.
      }
    }

    save() {
      if (this.forgets) return;
      this.messages = this.messages.slice(-MAX_HISTORY);
      const { token, known, teaserDismissed, sound } = this;
      try {
        localStorage.setItem(this.key, JSON.stringify({ token, known, teaserDismissed, sound, messages: known ? [] : this.messages }));
      } catch {
        // Blocked or full: the conversation lives as long as the page.
      }
    }

    /** @param {{token: string, known: boolean}} granted a session */
    adopt({ token, known }) {
      Object.assign(this, { token, known });
      this.save();
    }

    clear() {
      this.token = "";
      this.known = false;
      this.messages = [];
      this.save();
    }
  }

  // ---------------------------------------------------------------- one message

  class MessageView {
    /**
     * @param {Panel} panel
     * @param {Message} message
     */
    constructor(panel, message) {
      this.panel = panel;
      this.message = message;
      this.text = h("div.text", { dir: "auto" });
      this.extra = h("div.extra", {});
      this.element = h(`div.msg.${message.role}`, {}, this.text, this.extra);
      /** @type {string[]} */
      this.shown = [];
      this.status = "";
      this.frame = 0;
      this.finish();
    }

    /** Draws at most once for each frame of the screen, however fast tokens come. */
    schedule() {
      this.frame ||= requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
        this.panel.follow();
      });
    }

    draw() {
      const { message, text, status } = this;
      const streaming = message.state === "streaming";
      if (message.role === "user") text.replaceChildren(message.text, fileChips(message.files));
      else {
        const markdown = streaming ? closeOpenMarks(message.text) : message.text;
        this.shown = updateMarkdown(text, markdown, (n) => this.citation(n), this.shown);
      }
      text.hidden = !message.text;
      if (!streaming) return;
      const waiting = !message.text || status === "reconnecting";
      const label = strings[status] ?? strings.waiting;
      this.extra.replaceChildren(...(waiting ? [h("div.wait", {}, h("i", {}, h("b")), label)] : []));
    }

    /** Draws the message as it stays, with its sources and what can be done about it. */
    finish() {
      cancelAnimationFrame(this.frame);
      this.frame = 0;
      this.shown = [];
      this.draw();
      const { message, panel } = this;
      const { id, state, text, sources, answered } = message;
      if (message.role === "user" || state === "streaming") return;
      const failed = state === "failed";
      const parts = [
        sources?.length && this.sourceChips(sources),
        state === "stopped" && h("p.note", {}, strings.stopped),
        failed && h("p.note", {}, message.notice),
        failed && iconAndLabel("fresh", strings.retry, () => panel.retry(this)),
        answered === false && h("p.note", {}, strings.unanswered),
        answered === false && iconAndLabel("person", strings.person, () => panel.extra("showPerson")),
        id && text && !failed && this.actions(),
      ];
      this.extra.replaceChildren(...parts.filter((part) => part instanceof Node));
    }

    /**
     * The mark for `[n]`: a button when the source is known, null when there is no such source.
     * @param {number} n
     */
    citation(n) {
      const { sources } = this.message;
      if (!sources) return h("span", {}, String(n));
      const source = sources.find(({ citation }) => citation === n);
      if (!source) return null;
      const label = `${fill(strings.source, n)}: ${source.title}`;
      return h("button", { "aria-label": label, title: source.title, onclick: () => this.panel.extra("showSource", source) }, String(n));
    }

    /** @param {Source[]} sources */
    sourceChips(sources) {
      const chips = sources.map((source) => {
        const { citation, title, page } = source;
        const label = page ? `${title} · ${fill(strings.pageShort, page)}` : title;
        const onclick = () => this.panel.extra("showSource", source);
        return h("button.chip", { title: label, onclick }, h("b", {}, String(citation)), h("span", {}, label));
      });
      return h("div.row", { role: "group", "aria-label": strings.sources }, ...chips);
    }

    actions() {
      const ratings = [["THUMBS_UP", strings.helpful, ""], ["THUMBS_DOWN", strings.notHelpful, "flip"]];
      return h("div.row", {},
        // Browsers give pages without TLS no clipboard.
        navigator.clipboard && this.copyButton(),
        ...ratings.map(([type, label, flip]) =>
          iconButton(label, icon("thumb", flip), () => this.rate(type), {
            "data-rate": type,
            "aria-pressed": String(this.message.feedback === type),
          }),
        ),
      );
    }

    copyButton() {
      const button = iconButton(strings.copy, icon("copy"), async () => {
        await navigator.clipboard.writeText(this.message.text.replace(/\s?\[\d+\](?!\()/g, ""));
        button.replaceChildren(icon("check"));
        this.panel.announce(strings.copied);
        setTimeout(() => button.replaceChildren(icon("copy")), 2000);
      });
      return button;
    }

    /** @param {string} type */
    rate(type) {
      this.message.feedback = type;
      for (const button of this.extra.querySelectorAll("[data-rate]")) {
        button.setAttribute("aria-pressed", String(button.getAttribute("data-rate") === type));
      }
      this.sendFeedback(type);
      this.panel.extra("askWhy", this, type);
    }

    /**
     * @param {string} feedback_type
     * @param {string} [comment]
     */
    async sendFeedback(feedback_type, comment) {
      const { client, store } = this.panel.widget;
      const feedback = { message_id: this.message.id, feedback_type, comment };
      store.save();
      try {
        await client.call("feedback", feedback);
        emit("feedback", feedback);
      } catch (error) {
        report(error);
      }
    }
  }

  /** @param {Attached[]} [files] the names of what came with a question */
  const fileChips = (files) => h("div.files", {}, ...(files ?? []).map(({ name }) => h("span.chip", {}, icon("clip"), h("span", {}, name))));

  // ---------------------------------------------------------------- the conversation

  class Panel {
    /**
     * @param {Widget} widget
     * @param {(() => void) | undefined} reload when the configuration could not be had: tries again
     */
    constructor(widget, reload) {
      this.widget = widget;
      this.reload = reload;
      this.live = h("div.sr", { role: "status" });
      this.list = h("div.list", {
        role: "log", "aria-live": "off", "aria-label": strings.conversation, tabindex: 0, onscroll: () => this.scrolled(),
      });
      this.input = h("textarea", {
        rows: 1, maxlength: MAX_MESSAGE, placeholder: strings.placeholder, "aria-label": strings.placeholder, disabled: Boolean(reload),
        oninput: () => this.typed(),
        /** @param {KeyboardEvent} event */
        onkeydown: (event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          if (!this.button.disabled && !this.stream) this.submit();
        },
      });
      this.button = iconButton(strings.send, icon("send"), () => (this.stream ? this.stream.abort() : this.submit()), { class: "icon send" });
      this.menuButton = iconButton(strings.menu, icon("more"), () => this.extra("toggleMenu"), { "aria-expanded": "false", "aria-controls": "menu" });
      /** @type {HTMLElement | undefined} while it is open */
      this.menu = undefined;
      const { agent_name, branding } = widget.config;
      const head = h(
        "header.head",
        {},
        widget.face(),
        h("div.who", {}, h("h2", { dir: "auto" }, agent_name), h("p", { dir: "auto" }, branding.subtitle || strings.subtitle)),
        this.menuButton,
        !widget.inline && iconButton(strings.closeChat, icon("close"), () => widget.close()),
      );
      const [before, after] = strings.poweredBy.split("%");
      const credit = branding.show_powered_by ? [h("br"), before, h("b", {}, "Frontdesk"), after] : [];
      const { attachments } = widget.config;
      /** @type {Attached[]} what the next question comes with */
      this.files = [];
      this.chips = h("div.files", {});
      /** @param {FileList | null | undefined} files */
      const attach = (files) => files?.length && attachments && this.extra("attach", [...files]);
      const picker = attachments && h("input", {
        type: "file", multiple: true, hidden: true, accept: attachments.file_types.map((ending) => `.${ending}`).join(),
        onchange: () => {
          attach(picker?.files);
          if (picker) picker.value = "";
        },
      });
      this.away = h("p.note.offline", { hidden: navigator.onLine }, strings.offline);
      /** @param {DragEvent} event */
      const ondragover = (event) => attachments && event.preventDefault();
      /** @param {DragEvent} event */
      const ondrop = (event) => {
        ondragover(event);
        attach(event.dataTransfer?.files);
      };
      this.main = h("div.main", { ondragover, ondrop },
        this.list,
        this.away,
        h("div.compose", {},
          this.chips,
          h("div.field", {},
            this.input,
            picker,
            picker && iconButton(strings.attach, icon("clip"), () => picker.click(), { disabled: Boolean(reload) }),
            this.button,
          ),
        ),
        h("p.foot", {}, strings.hint, ...credit),
      );
      this.stage = h("div.stage", {}, this.main);
      /** @param {FocusEvent} event */
      const onfocusout = (event) => {
        // On a phone the panel is all there is to see: the focus must not leave it.
        const to =
          /** @type {Node | null} */
          (event.relatedTarget);
        if (this.element.ariaModal === "true" && document.hasFocus() && !this.element.contains(to)) this.element.focus();
      };
      const role = widget.inline ? "group" : "dialog";
      const label = fill(strings.dialog, agent_name);
      this.element = h("div.panel", { tabindex: -1, role, "aria-label": label, onfocusout }, head, this.stage, this.live);
      /** @type {AbortController | undefined} the answer on its way */
      this.stream = undefined;
      /** Messages the page sends wait for the answer before them. */
      this.turn = Promise.resolve();
      /** @type {(() => void) | undefined} */
      this.closeCard = undefined;
      this.cardStays = false;
      /** Files that are on their way. */
      this.reading = 0;
      this.sticky = true;
      this.asks = h("div.asks", { role: "group", "aria-label": strings.suggestions });
      if (reload) this.add({ role: "agent", text: "", state: "failed", notice: strings.unavailable });
      else this.fill();
      this.typed();
    }

    // ------------------------------------------------ parts

    /**
     * Does something that is in extras.js.
     * @param {string} name
     * @param {...unknown} given
     */
    async extra(name, ...given) {
      try {
        const more = await extras(this.widget.base);
        this.widget.dress(more.CSS);
        await more[name](this, ...given);
      } catch (error) {
        report(error);
        this.announce(strings.failed);
      }
    }

    /**
     * Has a session, and shows what was said in it to a visitor who is known.
     * @param {boolean} [lazy] the visitor has not asked for anything yet: nobody in particular needs no session
     */
    async enter(lazy) {
      const { widget } = this;
      const { client, store, config, user } = widget;
      const isKnown = store.known || user.userId;
      try {
        if (config.access === "restricted" && !store.token) return this.extra("signIn");
        if (lazy && !isKnown) return;
        await client.session();
        if (isKnown) await (await extras(widget.base)).remember(this);
      } catch (error) {
        if (error instanceof Failure && error.code === "SIGN_IN_REQUIRED") this.extra("signIn");
        else report(error);
      }
    }

    // ------------------------------------------------ the list

    /** Greeting, suggestions and what was said before. */
    fill() {
      const { config, store } = this.widget;
      const { greeting_enabled, greeting_message, suggested_questions } = config.behavior;
      this.list.replaceChildren();
      if (greeting_enabled && greeting_message) this.add({ role: "agent", text: greeting_message });
      /** @param {string} text */
      const ask = (text) => h("button.ask", { onclick: () => this.send(text) }, text);
      this.asks.replaceChildren(...suggested_questions.map(ask));
      for (const message of store.messages) {
        const view = this.add(message);
        const { state, question, request, at = 0 } = message;
        if (state !== "streaming") continue;
        if (question && request && Date.now() - at < RESUMED_FOR) this.turn = this.turn.then(() => this.ask(question, view));
        else {
          message.state = "stopped";
          view.finish();
        }
      }
      if (!store.messages.length) this.list.append(this.asks);
      this.follow(true);
    }

    /** @param {Message} message */
    add(message) {
      const view = new MessageView(this, message);
      if (this.asks.contains(this.widget.shadow.activeElement)) this.widget.focusPanel();
      this.asks.remove();
      this.list.append(view.element);
      this.follow(message.role === "user");
      return view;
    }

    scrolled() {
      const { scrollHeight, scrollTop, clientHeight } = this.list;
      this.sticky = scrollHeight - scrollTop - clientHeight < 48;
    }

    /** @param {boolean} [force] also when the visitor is reading further up */
    follow(force) {
      if (force) this.sticky = true;
      if (this.sticky) this.list.scrollTop = this.list.scrollHeight;
    }

    /** @param {string} text for screen readers */
    announce(text) {
      this.live.textContent = text;
    }

    // ------------------------------------------------ asking

    typed() {
      const { input, button, stream } = this;
      input.style.height = "auto";
      if (input.value) input.style.height = `${input.scrollHeight}px`;
      button.disabled = !stream && (!input.value.trim() || this.reading > 0);
      const label = stream ? strings.stop : strings.send;
      if (button.ariaLabel === label) return;
      button.title = button.ariaLabel = label;
      button.replaceChildren(icon(stream ? "stop" : "send"));
    }

    submit() {
      const text = this.input.value;
      if (!text.trim()) return;
      this.input.value = "";
      this.typed();
      this.send(text);
    }

    /** @param {string} text */
    send(text) {
      const question = text.trim().slice(0, MAX_MESSAGE);
      if (!question) return;
      const files = this.files.splice(0);
      this.chips.replaceChildren();
      this.turn = this.turn.then(() => {
        this.say({ role: "user", text: question, files });
        emit("message", { role: "user", content: question });
        return this.ask(question);
      });
    }

    /** @param {Message} message */
    say(message) {
      const { store } = this.widget;
      store.messages.push(message);
      store.save();
      return this.add(message);
    }

    /** @param {MessageView} view an answer that failed */
    retry(view) {
      if (this.reload) return this.reload();
      const { store } = this.widget;
      const { question } = view.message;
      store.messages = store.messages.filter((message) => message !== view.message);
      view.element.remove();
      this.input.focus();
      if (question) this.turn = this.turn.then(() => this.ask(question));
    }

    /**
     * @param {string} question
     * @param {MessageView} [begun] an answer that another page, or another tab, has begun
     */
    async ask(question, begun) {
      const { client, store } = this.widget;
      const view = begun ?? this.say({ role: "agent", text: "", state: "streaming", question, request: random(), at: Date.now() });
      const answer = view.message;
      const stream = (this.stream = new AbortController());
      this.typed();
      this.announce(strings.waiting);
      const asked = store.messages[store.messages.indexOf(answer) - 1];
      const body = {
        agent_id: client.agent,
        message: question,
        request_id: answer.request,
        file_ids: asked?.files?.map(({ id }) => id),
        metadata: { page_url: location.href, user_agent: navigator.userAgent },
      };
      try {
        for await (const frame of client.chat(body, stream.signal)) this.take(frame, view);
      } catch (error) {
        if (!stream.signal.aborted) this.failed(answer, error);
      }
      if (answer.state === "streaming") answer.state = "stopped";
      // The server would go on writing for a visitor who only lost the connection.
      if (stream.signal.aborted && answer.id && !this.widget.life.signal.aborted) {
        client.call("stop", { agent_id: client.agent, message_id: answer.id }).catch(() => {});
      }
      this.stream = undefined;
      this.typed();
      view.finish();
      this.follow();
      store.save();
      this.announce(answer.notice ?? view.text.textContent ?? "");
      if (answer.state === "done") this.answered(answer);
    }

    /**
     * @param {Frame} frame
     * @param {MessageView} view
     */
    take(frame, view) {
      const { message } = view;
      if (frame.type === "error") throw new Failure(frame.code, frame.message, 500);
      if (frame.type === "start") {
        // It is told from its beginning: the server had to begin again, or this page came later.
        message.text = "";
        message.id = frame.message_id;
      } else if (frame.type === "sources") message.sources = frame.sources;
      else if (frame.type === "done") {
        message.state = "done";
        message.answered = frame.answered;
        this.details = frame;
        if (frame.contact) {
          console.warn("Frontdesk: BUDGET_SPENT: no messages left today");
          this.extra("showPerson");
        }
      } else if (frame.type === "status") view.status = frame.status;
      else if (frame.type === "token") {
        view.status = "";
        message.text += frame.content;
      }
      view.schedule();
    }

    /**
     * @param {Message} answer
     * @param {unknown} error
     */
    failed(answer, error) {
      const { status = 0, code = "" } = error instanceof Failure ? error : {};
      answer.state = "failed";
      answer.notice = strings.failed;
      if (status === 0) answer.notice = strings.unreachable;
      if (status === 429) answer.notice = strings.busy;
      if ([401, 403, 404].includes(status)) answer.notice = strings.unavailable;
      report(error);
      if (code === "SIGN_IN_REQUIRED") this.extra("signIn");
    }

    /** @param {Message} answer */
    answered({ id, text, sources, answered }) {
      const { confidence, model } = this.details ?? {};
      const data = { role: "agent", message_id: id, content: text, sources, answered, confidence, model };
      emit("message", data);
      emit("answer", data);
      if (!answered) emit("unanswered", data);
      this.widget.notify();
      extras(this.widget.base).catch(report);
      if (this.widget.store.sound && (!this.widget.isOpen || document.hidden)) this.extra("chime");
    }

    // ------------------------------------------------ keyboard

    /** @param {KeyboardEvent} event */
    keydown(event) {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      if (this.menu) {
        this.menuButton.focus();
        this.extra("toggleMenu", false);
      } else if (this.closeCard && !this.cardStays) this.closeCard();
      else if (!this.widget.inline) this.widget.close();
    }
  }

  // ---------------------------------------------------------------- the widget on the page

  class Widget {
    /** @param {Options} options */
    constructor(options) {
      this.options = options;
      this.inline = Boolean(options.inline);
      this.base = (options.baseUrl ?? scriptBase).replace(/\/+$/, "");
      /** @type {User} who the visitor is, as the site says */
      this.user = options.userId ? options : {};
      this.store = new Store(options.agentId ?? "", Boolean(this.user.userId));
      this.client = new Client(this);
      this.config = DEFAULTS;
      this.isOpen = this.inline;
      this.unread = 0;
      /** @type {Panel | undefined} built when it is first needed */
      this.panel = undefined;
      /** @type {(() => void) | undefined} */
      this.reload = undefined;
      /** @type {Element | null} */
      this.lastFocus = null;
      /** Ends what listens and waits when the widget is destroyed. */
      this.life = new AbortController();
      this.prefersDark = matchMedia("(prefers-color-scheme:dark)");
      this.phone = matchMedia(PHONE);
      this.host = h("div", { id: "frontdesk-widget", "data-inline": this.inline });
      this.shadow = this.host.attachShadow({ mode: "open" });
      /** @type {Set<string>} */
      this.styles = new Set();
      this.dress(BASE_CSS);
      this.root = h("section");
      this.bubble = h("button");
      this.badge = h("span");
      this.teaser = h("div");
      this.listen();
      this.arrive = () => {};
      /** Resolves once there is something to open, be it a panel that only says it is not available. */
      this.mounted = new Promise((resolve) => (this.arrive = () => resolve(undefined)));
      /** Resolves once the configuration is there. */
      this.ready = this.start();
    }

    /** Asks for the configuration, and again when the visitor wants to. */
    async start() {
      const { signal } = this.life;
      if (!document.body) await new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve));
      for (;;) {
        try {
          const language = this.options.lang || navigator.languages.join();
          const path = `config/${encodeURIComponent(this.client.agent)}?lang=${encodeURIComponent(language)}`;
          this.config = await (await this.client.call(path, undefined, { signal })).json();
          strings = { ...ENGLISH, ...this.config.language };
          break;
        } catch (error) {
          if (signal.aborted) return new Promise(() => {});
          report(error);
          await new Promise((resolve) => this.mount(() => resolve(undefined)));
        }
      }
      this.mount();
      emit("ready", { agent_id: this.options.agentId });
    }

    /** @param {() => void} [reload] given when the configuration could not be had */
    mount(reload) {
      const { position, borderRadius } = this.options;
      const { appearance } = this.config;
      const radius = Math.min(24, Number(borderRadius ?? appearance.border_radius));
      this.root = h("section", { class: this.inline ? "root inline" : "root", lang: strings.lang, dir: strings.dir, "aria-label": strings.chat, "data-position": position ?? appearance.position });
      this.root.addEventListener("keydown", (event) => this.panel?.keydown(event));
      this.setStyle("--r", `${radius}px`);
      this.reload = reload;
      this.panel = undefined;
      this.shadow.replaceChildren(this.root);
      this.target().append(this.host);
      this.paint();
      if (!this.inline) this.mountBubble();
      if (this.isOpen) this.show();
      else this.scheduleTeaser();
      if (this.inline && !reload) this.conversation().enter(true);
      this.arrive();
    }

    /** @param {string} styles taken over once */
    dress(styles) {
      if (this.styles.has(styles)) return;
      this.styles.add(styles);
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(styles);
      this.shadow.adoptedStyleSheets.push(sheet);
    }

    listen() {
      const { signal } = this.life;
      this.prefersDark.addEventListener("change", () => this.paint(), { signal });
      this.phone.addEventListener("change", () => this.fit(), { signal });
      for (const name of ["resize", "scroll"]) visualViewport?.addEventListener(name, () => this.fit(), { signal });
      addEventListener("pagehide", () => this.store.save(), { signal });
      for (const name of ["online", "offline"]) addEventListener(name, () => this.connected(), { signal });
      addEventListener("storage", ({ key }) => key === this.store.key && this.reread(), { signal });
      addEventListener("pageshow", ({ persisted }) => persisted && this.reread(), { signal });
    }

    connected() {
      const { panel } = this;
      if (!panel || panel.away.hidden === navigator.onLine) return;
      panel.away.hidden = navigator.onLine;
      if (!navigator.onLine) panel.announce(strings.offline);
    }

    /** Takes over what another tab has said, or what was said while this page was put away. */
    reread() {
      this.store.load();
      if (this.panel && !this.panel.stream) this.panel.fill();
    }

    /** Where the host element goes. */
    target() {
      const { inline } = this.options;
      const element = typeof inline === "string" ? document.querySelector(inline) : inline;
      return element ?? document.body;
    }

    /**
     * @param {string} name
     * @param {string} value
     */
    setStyle(name, value) {
      this.root.style.setProperty(name, value);
    }

    /** Theme and colours. */
    paint() {
      const { theme, primaryColor } = this.options;
      const { appearance } = this.config;
      const wanted = theme ?? appearance.theme;
      const dark = wanted === "dark" || (wanted !== "light" && this.prefersDark.matches);
      const fill = parseColor(primaryColor) ?? parseColor(appearance.primary_color) ?? BLACK;
      const on = textOn(fill);
      this.root.classList.toggle("dark", dark);
      this.setStyle("--fill", css(fill));
      this.setStyle("--on", css(on));
      this.setStyle("--away", css(on === WHITE ? BLACK : WHITE));
      this.setStyle("--accent", css(readableOn(fill, dark ? [34, 37, 45] : [243, 244, 247])));
    }

    /** The agent's picture, or its initial. */
    face() {
      const { agent_name, branding } = this.config;
      const initial = h("div.face", { "aria-hidden": "true" }, agent_name[0]);
      if (!branding.avatar_url) return initial;
      const picture = h("img.face", { alt: "", src: new URL(branding.avatar_url, `${this.base}/`).href });
      picture.addEventListener("error", () => picture.replaceWith(initial));
      return picture;
    }

    mountBubble() {
      const onclick = () => (this.isOpen ? this.close() : this.open());
      this.badge = h("span.badge", { hidden: true });
      this.bubble = h("button.bubble", { onclick },
        icon("chat"),
        icon("down"),
        this.badge,
      );
      this.root.append(this.bubble);
      this.label();
    }

    /** Says on the bubble what a click does and how much is unread. */
    label() {
      const { bubble, badge, isOpen, unread } = this;
      bubble.ariaLabel = isOpen ? strings.closeChat : unread ? fill(strings.unread, unread) : strings.openChat;
      bubble.ariaExpanded = String(isOpen);
      badge.textContent = String(unread);
      badge.hidden = !unread;
    }

    /** Shows the greeting beside the closed bubble, or opens, once, to those who have not talked yet. */
    scheduleTeaser() {
      const { greeting_enabled, greeting_delay, greeting_message, auto_open } = this.config.behavior;
      const { store } = this;
      if (store.teaserDismissed || store.messages.length) return;
      const timer = setTimeout(() => {
        if (this.panel) return;
        if (auto_open && !this.phone.matches) {
          store.teaserDismissed = true;
          store.save();
          this.isOpen = true;
          this.show();
          this.conversation().enter(true);
          emit("open");
        } else if (greeting_enabled && greeting_message) this.showTeaser(greeting_message);
      }, greeting_delay);
      this.life.signal.addEventListener("abort", () => clearTimeout(timer));
    }

    /** @param {string} greeting */
    showTeaser(greeting) {
      const dismiss = iconButton(strings.dismiss, icon("close"), () => this.dismissTeaser());
      const text = h("button", { dir: "auto", onclick: () => this.open() }, greeting);
      this.teaser = h("div.teaser", {}, text, dismiss);
      this.root.prepend(this.teaser);
    }

    dismissTeaser() {
      this.teaser.remove();
      this.store.teaserDismissed = true;
      this.store.save();
      this.bubble.focus();
    }

    /** The conversation, built when it is first needed so that loading a page costs little. */
    conversation() {
      if (this.panel) return this.panel;
      this.dress(PANEL_CSS);
      this.panel = new Panel(this, this.reload);
      this.panel.element.hidden = !this.isOpen;
      this.root.prepend(this.panel.element);
      this.connected();
      this.teaser.remove();
      this.fit();
      return this.panel;
    }

    /** On a phone the panel is the whole screen, less the keyboard, and holds the focus. */
    fit() {
      const panel = this.panel?.element;
      if (!panel || this.inline) return;
      panel.ariaModal = String(this.phone.matches);
      this.setStyle("--height", `${visualViewport?.height ?? innerHeight}px`);
      this.setStyle("--top", `${visualViewport?.offsetTop ?? 0}px`);
    }

    open() {
      if (this.isOpen) return;
      this.isOpen = true;
      this.lastFocus = document.activeElement;
      this.show();
      this.focusPanel();
      emit("open");
      if (!this.reload) this.panel?.enter();
    }

    show() {
      const { element } = this.conversation();
      this.unread = 0;
      this.root.classList.add("opened");
      element.hidden = false;
      this.label();
      this.conversation().follow(true);
    }

    close() {
      if (!this.isOpen || this.inline) return;
      this.isOpen = false;
      this.conversation().element.hidden = true;
      this.root.classList.remove("opened");
      this.label();
      this.bubble.focus();
      // Where the page opened the widget from; nothing happens when that cannot take the focus.
      if (this.lastFocus instanceof HTMLElement) this.lastFocus.focus();
      emit("close");
    }

    /** Into the composer, but not on a phone, where that would bring up the keyboard. */
    focusPanel() {
      const { element, input } = this.conversation();
      (this.phone.matches || input.disabled ? element : input).focus();
    }

    /** Marks that an answer came while the panel was closed. */
    notify() {
      if (this.isOpen) return;
      this.unread++;
      this.label();
    }

    clearHistory() {
      const { panel, store, client } = this;
      const { known, token } = store;
      this.leave();
      store.clear();
      // Who is known stays it, in a new conversation.
      if (known) {
        store.token = token;
        client.begin({ fresh: true }).catch(report);
      }
      panel?.fill();
      if (this.isOpen && !this.inline) this.focusPanel();
    }

    /** Ends what goes on in the panel. */
    leave() {
      const { panel } = this;
      panel?.stream?.abort();
      panel?.closeCard?.();
    }

    /** @param {User} user whose conversations are shown from now on; nobody's in particular without an id */
    identify(user) {
      this.user = user;
      this.leave();
      this.store = new Store(this.client.agent, Boolean(user.userId));
      this.panel?.fill();
      if (this.isOpen) this.panel?.enter();
    }

    destroy() {
      this.life.abort();
      this.panel?.stream?.abort();
      this.host.remove();
    }
  }

  // ---------------------------------------------------------------- the page's side

  /** @type {Map<string, Set<Listener>>} */
  const listeners = new Map();

  /**
   * @param {EventName} name
   * @param {unknown} [data]
   */
  function emit(name, data = {}) {
    for (const listener of listeners.get(name) ?? []) {
      try {
        listener(data);
      } catch (error) {
        // The page's mistake must not become ours.
        reportError(error);
      }
    }
  }

  /** @param {unknown} error tells the page's developers; visitors read a calmer sentence */
  function report(error) {
    const { code = "INTERNAL", message } =
      /** @type {Failure} */
      (error);
    console.error(`Frontdesk: ${code}: ${message}`);
    emit("error", { code, message });
  }

  /** What extras.js works with. */
  const kit = { h, icon, iconButton, fill, report, emit, link, pause, words: () => strings };

  const script =
    /** @type {HTMLScriptElement | null} */
    (document.currentScript);
  // The script's own address, less its file and the path of an agent's own script.
  const [, scriptBase, agentOfScript] =
    /^(.*?)(?:\/api\/v1\/agents\/([^/]+))?\/[^/]*$/.exec(script?.src || location.href) ?? ["", ""];

  /** @type {Record<string, any>} */
  const page = window;
  /** @type {Widget | undefined} */
  let widget;
  /** @type {(() => void)[]} what was asked before there was a widget */
  let early = [];

  /**
   * Calls of the page wait for what they need.
   * @param {"mounted" | "ready"} need
   * @param {(widget: Widget) => void} action
   */
  function act(need, action) {
    const current = widget;
    if (current) current[need].then(() => current === widget && action(current));
    else early.push(() => act(need, action));
  }

  /** @param {Options} options */
  function init(options) {
    widget?.destroy();
    widget = new Widget({ ...options, agentId: options.agentId ?? options.chatbotId });
    early.splice(0).forEach((call) => call());
  }

  function destroy() {
    widget?.destroy();
    widget = undefined;
    early = [];
  }

  const Frontdesk = {
    init,
    destroy,
    open: () => act("mounted", (current) => current.open()),
    close: () => act("mounted", (current) => current.close()),
    toggle: () => act("mounted", (current) => (current.isOpen ? current.close() : current.open())),
    /** @param {string} text */
    sendMessage: (text) => act("ready", (current) => current.conversation().send(String(text))),
    clearHistory: () => act("ready", (current) => current.clearHistory()),
    /** @param {User} [user] without one the visitor is nobody in particular again */
    identify: (user) => act("ready", (current) => current.identify(user ?? {})),
    /**
     * @param {EventName} name
     * @param {Listener} listener
     */
    on(name, listener) {
      const those = listeners.get(name) ?? new Set();
      listeners.set(name, those.add(listener));
    },
    /**
     * @param {EventName} name
     * @param {Listener} listener
     */
    off(name, listener) {
      listeners.get(name)?.delete(listener);
    },
  };

  const A2V2Widget = {
    /** @param {Options} options ignored while a widget is there */
    init: (options) => widget || init(options),
    destroy,
  };

  /**
   * Puts an object where a page expects it, and does what the page has pushed there before the script was loaded:
   * `(window.Frontdesk ||= []).push(["open"])`.
   * @param {string} name
   * @param {Record<string, any>} api
   */
  function publish(name, api) {
    const queue = Array.isArray(page[name]) ? page[name] : [];
    /** @param {[string, ...unknown[]]} call */
    const push = ([method, ...given]) => api[method]?.(...given);
    page[name] = Object.assign(api, { push });
    queue.forEach(push);
  }

  publish("Frontdesk", Frontdesk);
  publish("InsydrAI", Frontdesk);
  publish("A2V2Widget", A2V2Widget);
  const tag = script?.dataset ?? {};
  if (agentOfScript || tag.agentId) init({ agentId: agentOfScript, ...tag });
  else if (page.A2V2WidgetConfig) A2V2Widget.init(page.A2V2WidgetConfig);
})();
