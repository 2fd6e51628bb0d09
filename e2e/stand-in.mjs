// A stand-in for the server, for tests of the widget alone: it serves the widget as the server
// under test does, pages to host it, and the widget calls with answers that tests script.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

export const AGENT = "agent_standin0000000000000000";
export const KEY = "pk_live_standin";

const BASE = process.env.FRONTDESK_URL?.replace(/\/+$/, "");
const FOLDER = new URL("../widget/", import.meta.url);
/** Where each script is served, and where it is written. */
const SCRIPTS = { "widget.js": "widget.js", "widget-extras.js": "extras.js" };

/**
 * A script as the server under test sends it; as it is written when there is none.
 * @param {keyof typeof SCRIPTS} name
 */
export async function widgetSource(name = "widget.js") {
  if (!BASE) return readFile(new URL(SCRIPTS[name], FOLDER), "utf8");
  return (await fetch(`${BASE}/${name}`)).text();
}

export async function widgetGzipSize() {
  return gzipSync(await widgetSource(), { level: 9 }).length;
}

/**
 * @typedef {{type: string, [field: string]: unknown}} Frame
 *
 * @typedef {object} Answer how a question is answered
 * @property {Frame[]} frames
 * @property {number} [delay] milliseconds between frames
 * @property {number[]} [cutAfter] the n-th connection breaks after this many frames of the answer
 * @property {number} [status] an HTTP error instead of a stream
 * @property {string} [code]
 * @property {(text: string) => string[]} [chunks] cuts the bytes of the stream anywhere
 * @property {boolean} [repeat] a resumed stream begins again from the first frame
 * @property {Promise<unknown>} [hold] the last frame waits for this
 * @property {boolean} [buffers] a proxy on the way passes nothing on before the end
 *
 * @typedef {{method: string, path: string, headers: import("node:http").IncomingHttpHeaders, body: any}} Call
 */

export const SHIPPING = {
  document_id: "doc_shipping",
  title: "Shipping and delivery",
  chunk_preview:
    "Orders placed before 2 p.m. leave our warehouse the same day. Standard delivery within the EU takes 2–4 working days. You will get a tracking link by e-mail as soon as the parcel is on its way.",
  relevance_score: 0.91,
  url: "https://example.com/help/shipping",
  page: 3,
  heading: "Delivery times",
  quote: "Standard delivery within the EU takes 2–4 working days.",
  start: 61,
  end: 117,
  citation: 1,
};

export const RETURNS = {
  document_id: "doc_returns",
  title: "Returns policy 2026.pdf",
  chunk_preview: "You may return unworn items within 30 days. Refunds reach your account within 5 working days after the parcel arrives.",
  relevance_score: 0.83,
  url: null,
  page: 12,
  heading: null,
  quote: "Refunds reach your account within 5 working days",
  start: 44,
  end: 92,
  citation: 2,
};

let answers = 0;

/** @param {string} path of a call for the configuration, with the languages that are wanted */
async function language(path) {
  const wanted = new URL(path, "http://x").searchParams.get("lang")?.split(",")[0].slice(0, 2);
  const file = readFile(new URL(`languages/${wanted === "nb" ? "no" : wanted}.json`, FOLDER), "utf8");
  return file.then(JSON.parse, () => undefined);
}

/** @param {string} text zero bits at the beginning of its SHA-256 */
export function leadingZeros(text) {
  return Math.clz32(createHash("sha256").update(text).digest().readUInt32BE());
}

/**
 * The frames of an answer, token by token.
 * @param {string} text
 * @param {object[]} [sources]
 * @param {Record<string, unknown>} [done]
 * @returns {Frame[]}
 */
export function framesOf(text, sources = [], done = {}) {
  const tokens = text.match(/\s*\S+\s*/g) ?? [];
  return [
    { type: "start", message_id: `msg_${String(++answers).padStart(24, "0")}` },
    { type: "status", status: "retrieving" },
    { type: "status", status: "thinking" },
    ...tokens.map((content) => ({ type: "token", content })),
    { type: "sources", sources },
    { type: "done", confidence: 0.89, answered: true, model: "extractive", degraded: false, ...done },
  ];
}

export function defaultConfig() {
  return {
    agent_id: AGENT,
    agent_name: "Northwind Support",
    appearance: { theme: "light", primary_color: "#4f46e5", border_radius: 12, position: "bottom-right" },
    behavior: {
      greeting_enabled: true,
      greeting_delay: 50,
      auto_open: false,
      greeting_message: "Hi there! Ask me about orders, delivery or returns.",
      suggested_questions: ["How long does delivery take?", "Can I return my order?", "Which payment methods do you take?"],
    },
    branding: { show_powered_by: true, avatar_url: /** @type {string | null} */ (null), subtitle: /** @type {string | null} */ (null) },
    access: "open",
    attachments: /** @type {{max_files: number, max_file_mb: number, file_types: string[]} | undefined} */ (undefined),
  };
}

const PAGES = {
  plain: (/** @type {string} */ tag) => `<main><h1>Northwind outfitters</h1><p>Boots, tents and everything between.</p><button>Add to basket</button></main>${tag}`,
  evil: (/** @type {string} */ tag) => `<style>
    body > *, body div, section { display: none !important; opacity: 0 !important; transform: scale(0) !important; visibility: hidden !important }
    button, textarea, input { all: unset !important; font: 40px fantasy !important; background: lime !important; width: 600px !important }
    html { font-size: 40px } * { color: lime !important; letter-spacing: 9px !important; text-transform: uppercase !important; direction: rtl !important; float: left !important; margin: 90px !important }
    </style><main>Evil styles</main>${tag}`,
};

export class StandIn {
  constructor() {
    this.config = defaultConfig();
    this.configStatus = 200;
    /** @type {string | undefined} */
    this.configCode = undefined;
    /** @type {Answer | ((question: string) => Answer)} */
    this.answer = { frames: framesOf("Hello.") };
    this.feedbackStatus = 200;
    this.escalateStatus = 200;
    this.fileStatus = 201;
    /** What the server remembers of the visitor's session. @type {object[]} */
    this.history = [];
    /** Zero bits that a new session costs. */
    this.difficulty = 0;
    /** Sessions that were given; the last one is good. */
    this.sessions = 0;
    /** Makes the tokens so far end. */
    this.expired = false;
    /** Answers by the requests that asked for them. @type {Map<string, Frame[]>} */
    this.requests = new Map();
    /** @type {Call[]} */
    this.calls = [];
    this.connections = 0;
    this.url = "";
    this.tag = "";
    this.csp = "";
    /** @type {import("node:http").Server} */
    this.server = createServer((request, response) => {
      this.handle(request, response).catch((error) => response.destroy(error));
    });
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const address = /** @type {import("node:net").AddressInfo} */ (this.server.address());
    this.url = `http://127.0.0.1:${address.port}`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** @param {string} path the calls of one kind */
  callsTo(path) {
    return this.calls.filter((call) => call.path.startsWith(`/api/v1/widget/${path}`));
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async handle(request, response) {
    const path = request.url ?? "/";
    if (path === "/widget-extras.js") {
      response.writeHead(200, { "content-type": "text/javascript; charset=utf-8", "access-control-allow-origin": "*" }).end(await widgetSource("widget-extras.js"));
    } else if (/^\/(api\/v1\/agents\/[^/]+\/)?(widget|embed|a2v2-widget)\.js$/.test(path)) {
      response.writeHead(200, { "content-type": "text/javascript; charset=utf-8" }).end(await widgetSource());
    } else if (path.startsWith("/api/v1/widget/")) {
      await this.widgetCall(request, response, path);
    } else {
      this.page(response, path);
    }
  }

  /**
   * @param {import("node:http").ServerResponse} response
   * @param {string} path
   */
  page(response, path) {
    const auto = `<script src="/widget.js" data-agent-id="${AGENT}" data-api-key="${KEY}" async></script>`;
    const tag = this.tag || auto;
    const inline = `<style>html,body{margin:0;height:100%}#frontdesk-chat{height:100%}</style><div id="frontdesk-chat"></div>
      <script src="/widget.js" data-agent-id="${AGENT}" data-api-key="${KEY}" data-inline="#frontdesk-chat" async></script>`;
    const body = path === "/inline" ? inline : path === "/evil" ? PAGES.evil(tag) : PAGES.plain(tag);
    /** @type {Record<string, string>} */
    const headers = { "content-type": "text/html; charset=utf-8" };
    if (this.csp) headers["content-security-policy"] = this.csp;
    response.writeHead(200, headers).end(
      `<!doctype html><html lang="en"><head><title>Northwind</title><meta name="viewport" content="width=device-width, initial-scale=1"></head><body>${body}</body></html>`,
    );
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   * @param {string} path
   */
  async widgetCall(request, response, path) {
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "x-api-key,x-visitor-session,content-type,last-event-id");
    if (request.method === "OPTIONS") return void response.writeHead(204).end();
    let text = "";
    for await (const part of request) text += part;
    const isJson = String(request.headers["content-type"]).includes("json");
    const body = text && isJson ? JSON.parse(text) : text;
    this.calls.push({ method: request.method ?? "", path: path.split("?")[0], headers: request.headers, body });
    const [kind] = path.slice("/api/v1/widget/".length).split(/[/?]/);
    if (kind === "config") return this.json(response, this.configStatus, { ...this.config, language: await language(path) }, this.configCode);
    if (kind === "session") return this.session(response, body);
    if (kind === "sign-in" && !body.code) return this.json(response, 202, { success: true });
    if (kind === "sign-in") return body.code === "123456" ? this.grant(response, true) : this.json(response, 401, {}, "WRONG_CODE");
    const token = request.headers["x-visitor-session"];
    if (this.expired && token !== `token-${this.sessions}`) return this.json(response, 401, {}, "VISITOR_SESSION_EXPIRED");
    if (kind === "history") return this.json(response, 200, { messages: this.history });
    if (kind === "files") return this.json(response, this.fileStatus, { id: `doc_${this.calls.length}`, name: /filename="(.*?)"/.exec(text)?.[1] });
    if (kind === "feedback") return this.json(response, this.feedbackStatus, { success: true });
    if (kind === "stop") return this.json(response, 200, { success: true });
    if (kind === "escalate") return this.json(response, this.escalateStatus, { success: true });
    return this.chat(response, body, String(request.headers["last-event-id"] ?? ""));
  }

  /**
   * @param {import("node:http").ServerResponse} response
   * @param {number} status
   * @param {object} body
   * @param {string} [code]
   */
  json(response, status, body, code = status === 403 ? "FORBIDDEN" : "INTERNAL") {
    const failure = { error: true, code, message: `scripted ${status}`, detail: `scripted ${status}` };
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(status < 400 ? body : failure));
  }

  /**
   * @param {import("node:http").ServerResponse} response
   * @param {{user_id?: string, user_hash?: string, proof?: {challenge: string, number: number}}} body
   */
  session(response, { user_id, user_hash, proof }) {
    if (this.config.access === "restricted") return this.json(response, 401, {}, "SIGN_IN_REQUIRED");
    if (user_id && user_hash !== `hash of ${user_id}`) return this.json(response, 401, {}, "IDENTITY_NOT_VERIFIED");
    if (this.difficulty && !(proof && leadingZeros(`${proof.challenge}:${proof.number}`) >= this.difficulty)) {
      return this.json(response, 200, { challenge: "some-work", difficulty: this.difficulty });
    }
    return this.grant(response, Boolean(user_id));
  }

  /**
   * @param {import("node:http").ServerResponse} response
   * @param {boolean} known
   */
  grant(response, known) {
    const n = ++this.sessions;
    return this.json(response, 200, { token: `token-${n}`, session_id: `vis_${n}`, known });
  }

  /**
   * @param {import("node:http").ServerResponse} response
   * @param {{message: string, request_id: string, delivery?: string}} body
   * @param {string} lastEventId
   */
  async chat(response, body, lastEventId) {
    const answer = typeof this.answer === "function" ? this.answer(body.message) : this.answer;
    if (answer.status) return this.json(response, answer.status, {}, answer.code);
    const { delay = 0, cutAfter = [], repeat, hold, buffers } = answer;
    // The same request is the same answer, and not asked again.
    const frames = this.requests.get(body.request_id) ?? answer.frames;
    this.requests.set(body.request_id, frames);
    if (body.delivery === "poll") {
      // A few frames at a time, as they are there.
      const seen = Number(lastEventId.split(":")[1] ?? -1) + 1;
      const some = frames.slice(seen, seen + 5);
      const last_event_id = `${frames[0].message_id}:${seen + some.length - 1}`;
      return this.json(response, 200, { message_id: frames[0].message_id, frames: some, last_event_id, done: seen + some.length === frames.length });
    }
    if (buffers) return void (await hold);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const message = String(frames[0].message_id);
    const from = lastEventId && !repeat ? Number(lastEventId.split(":")[1]) + 1 : 0;
    const cut = cutAfter[this.connections++] ?? Infinity;
    let text = ": ping\n\n";
    for (let n = from; n < frames.length; n++) {
      if (n >= cut) {
        // Frames that the browser holds unread when the connection breaks are lost; here it gets the time to read
        // them, on a busy machine, too.
        if (text) response.write(text);
        await new Promise((resolve) => setTimeout(resolve, 500));
        return void response.destroy();
      }
      if (hold && n === frames.length - 1) {
        response.write(text);
        text = "";
        await hold;
      }
      text += `id: ${message}:${n}\ndata: ${JSON.stringify(frames[n])}\n\n`;
      if (answer.chunks) continue;
      response.write(text);
      text = "";
      if (delay) await new Promise((resolve) => setTimeout(resolve, delay));
    }
    for (const chunk of answer.chunks?.(text) ?? []) {
      response.write(chunk);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    response.end();
  }
}
