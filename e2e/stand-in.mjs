// A stand-in for the server, for tests of the widget alone: it serves the widget as the server
// under test does, pages to host it, and the widget calls with answers that tests script.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

export const AGENT = "agent_standin0000000000000000";
export const KEY = "pk_live_standin";

const BASE = process.env.FRONTDESK_URL?.replace(/\/+$/, "");
const WIDGET = new URL("../widget/widget.js", import.meta.url);

/** The script as the server under test sends it; as it is written when there is none. */
export async function widgetSource() {
  if (!BASE) return readFile(WIDGET, "utf8");
  return (await fetch(`${BASE}/widget.js`)).text();
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
      greeting_message: "Hi there! Ask me about orders, delivery or returns.",
      suggested_questions: ["How long does delivery take?", "Can I return my order?", "Which payment methods do you take?"],
    },
    branding: { show_powered_by: true, avatar_url: /** @type {string | null} */ (null) },
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
    if (/^\/(api\/v1\/agents\/[^/]+\/)?(widget|embed|a2v2-widget)\.js$/.test(path)) {
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
    response.setHeader("access-control-allow-headers", "x-api-key,content-type,last-event-id");
    if (request.method === "OPTIONS") return void response.writeHead(204).end();
    let text = "";
    for await (const part of request) text += part;
    const body = text ? JSON.parse(text) : undefined;
    this.calls.push({ method: request.method ?? "", path, headers: request.headers, body });
    const [kind] = path.slice("/api/v1/widget/".length).split("/");
    if (kind === "config") return this.json(response, this.configStatus, this.config, this.configCode);
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
   * @param {{message: string}} body
   * @param {string} lastEventId
   */
  async chat(response, body, lastEventId) {
    const answer = typeof this.answer === "function" ? this.answer(body.message) : this.answer;
    if (answer.status) return this.json(response, answer.status, {}, answer.code);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const { frames, delay = 0, cutAfter = [], repeat, hold } = answer;
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
