// The widget against a scripted server, in a real browser.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { screenshot } from "./browser.mjs";
import { AGENT, KEY, RETURNS, SHIPPING, StandIn, framesOf, widgetGzipSize } from "./stand-in.mjs";
import { TWO, answerWith, ask, lastAnswer, openChat, visit } from "./visit.mjs";

/**
 * @typedef {import("playwright-core").Page} Page
 */

const ANSWER = `Standard delivery within the EU takes **2–4 working days** [1]. Orders placed before 2 p.m. leave the same day [1].

If something does not fit:

- return it within **30 days**
- refunds arrive within 5 working days [2]

All details are in the [delivery guide](https://example.com/help).`;
const PLAIN = "Standard delivery within the EU takes 2–4 working days";

describe("loading", TWO, () => {
  test("is at most 15 KB, stripped and gzipped", async (t) => {
    const size = await widgetGzipSize();
    t.diagnostic(`${size} bytes`);
    assert.ok(size <= 15 * 1024, `${size} bytes`);
  });

  visit("asks the server one thing and shows only a bubble", async ({ page, server, errors }) => {
    await page.goto(server.url);
    await page.locator(".teaser").waitFor();
    assert.deepEqual(server.calls.map(({ method, path }) => `${method} ${path}`), [`GET /api/v1/widget/config/${AGENT}`]);
    assert.equal(server.calls[0].headers["x-api-key"], KEY);
    assert.equal(server.calls[0].headers.cookie, undefined);
    assert.equal(await page.locator(".panel").count(), 0);
    assert.deepEqual(errors, []);
  });

  for (const [what, status, code] of /** @type {[string, number, string][]} */ ([
    ["the key is wrong", 401, "UNAUTHORIZED"],
    ["the key is for another domain", 403, "ORIGIN_NOT_ALLOWED"],
    ["the agent is a draft", 404, "NOT_FOUND"],
  ])) {
    visit(`says one calm sentence, and to the developer why, when ${what}`, async ({ page, server, errors }) => {
      server.configStatus = status;
      server.configCode = code;
      server.tag = `<script src="/widget.js" data-agent-id="${AGENT}" data-api-key="${KEY}"></script><script>
        window.seen = [];
        Frontdesk.on("error", ({ code }) => seen.push(code));
        Frontdesk.open();
        Frontdesk.sendMessage("Hello?");
      </script>`;
      await page.goto(server.url);
      await page.locator(".panel:visible .note", { hasText: "This chat is not available" }).waitFor();
      assert.equal(await page.locator(".msg").count(), 1);
      assert.equal(await page.locator(".compose textarea").isDisabled(), true);
      assert.ok(errors.includes(`Frontdesk: ${code}: scripted ${status}`), errors.join());
      assert.deepEqual(await page.evaluate("seen"), [code]);
      assert.equal(server.callsTo("chat").length, 0);
    });
  }

  visit("says one calm sentence, and to the developer why, when the server is down", async ({ page, server, errors }) => {
    const down = await new StandIn().start();
    await down.stop();
    server.tag = `<script src="/widget.js" data-agent-id="${AGENT}" data-api-key="${KEY}" data-base-url="${down.url}"></script>`;
    await page.goto(server.url);
    await page.locator(".bubble").click();
    await page.locator(".panel:visible .note", { hasText: "This chat is not available" }).waitFor();
    assert.ok(errors.some((error) => error.startsWith(`Frontdesk: NETWORK: ${down.url} cannot be reached`)), errors.join());
  });

  visit("offers to try again when the server is down", async (v) => {
    v.server.configStatus = 500;
    await openChat(v);
    await v.page.locator(".note", { hasText: "This chat is not available" }).first().waitFor();
    v.server.configStatus = 200;
    await v.page.getByRole("button", { name: "Try again" }).click();
    await v.page.getByText("Hi there!").waitFor();
    assert.ok(v.errors.some((error) => error.includes("scripted 500")));
  });

  visit("the documented snippet works, before the configuration is there", async ({ page, server }) => {
    server.tag = `<script src="/widget.js"></script><script>
      window.seen = [];
      InsydrAI.init({ agentId: "${AGENT}", apiKey: "${KEY}", position: "bottom-left", theme: "dark" });
      InsydrAI.on("message", (data) => seen.push(data.role + ": " + data.content));
      InsydrAI.open();
      InsydrAI.sendMessage("Hello!");
      InsydrAI.sendMessage("Again!");
    </script>`;
    server.answer = (question) => ({ frames: framesOf(`You said ${question}`) });
    await page.goto(server.url);
    await answerWith(page, "You said Again!");
    await page.waitForFunction("seen.length === 4");
    assert.deepEqual(await page.evaluate("seen"), ["user: Hello!", "agent: You said Hello!", "user: Again!", "agent: You said Again!"]);
    assert.equal(await page.evaluate("Frontdesk === InsydrAI"), true);
    assert.equal(await page.locator(".root.dark[data-position=bottom-left]").count(), 1);
    const box = await page.locator(".bubble").boundingBox();
    assert.ok(box && box.x < 100);
  });

  visit("A2V2's loader takes its config, mounts once, and goes when it is told to", async ({ page, server }) => {
    server.tag = `<script>window.A2V2WidgetConfig = { chatbotId: "${AGENT}" };</script><script src="/embed.js" async></script>`;
    await page.goto(server.url);
    await page.locator(".bubble").waitFor();
    // An agent that is public needs no key: its id stands for one.
    assert.equal(server.calls[0].headers["x-api-key"], AGENT);
    await page.evaluate("A2V2Widget.init({ chatbotId: 'agent_another' })");
    assert.equal(await page.locator("#frontdesk-widget").count(), 1);
    assert.equal(server.calls.length, 1);
    await page.evaluate("A2V2Widget.destroy()");
    assert.equal(await page.locator("#frontdesk-widget").count(), 0);
    await page.evaluate("A2V2Widget.init({ chatbotId: 'agent_another' })");
    await page.locator(".bubble").waitFor();
    assert.equal(server.calls[1].path, "/api/v1/widget/config/agent_another");
  });

  visit("an agent's own script knows its agent", async ({ page, server }) => {
    server.tag = `<script src="/api/v1/agents/${AGENT}/widget.js" data-api-key="${KEY}" async></script>`;
    await page.goto(server.url);
    await page.locator(".bubble").waitFor();
    assert.equal(server.calls[0].path, `/api/v1/widget/config/${AGENT}`);
    assert.equal(server.calls[0].headers["x-api-key"], KEY);
  });

  visit("what the page asks for before the script is there waits for it", async ({ page, server }) => {
    server.tag = `<script>
      window.Frontdesk = [];
      Frontdesk.push(["open"], ["sendMessage", "Early"]);
      Frontdesk.push(["init", { agentId: "${AGENT}", apiKey: "${KEY}" }]);
    </script><script src="/widget.js" async></script>`;
    await page.goto(server.url);
    await answerWith(page, "Hello.");
    assert.equal(server.callsTo("chat")[0].body.message, "Early");
  });

  visit("the page can open, close, toggle, clear and destroy, and hears of it", async ({ page, server }) => {
    server.tag = `<script src="/widget.js" data-agent-id="${AGENT}" data-api-key="${KEY}"></script><script>
      window.seen = [];
      for (const name of ["ready", "open", "close"]) Frontdesk.on(name, () => seen.push(name));
    </script>`;
    await page.goto(server.url);
    await page.locator(".bubble").waitFor();
    await page.evaluate("Frontdesk.open(); Frontdesk.close(); Frontdesk.toggle()");
    await page.locator(".panel:visible").waitFor();
    assert.deepEqual(await page.evaluate("seen"), ["ready", "open", "close", "open"]);
    await ask(page, "Hi");
    await answerWith(page, "Hello.");
    await page.evaluate("Frontdesk.clearHistory()");
    await page.locator(".ask").first().waitFor();
    assert.equal(await page.locator(".user").count(), 0);
    await page.evaluate("Frontdesk.destroy()");
    assert.equal(await page.locator("#frontdesk-widget").count(), 0);
  });
});

describe("answers", TWO, () => {
  visit("stream, with citations that open their source", async (v) => {
    const { page, server, errors } = v;
    server.answer = { frames: framesOf(ANSWER, [SHIPPING, RETURNS]) };
    await openChat(v);
    await page.getByRole("button", { name: "How long does delivery take?" }).click();
    await page.locator(".chip").nth(1).waitFor();
    const { body, headers } = server.callsTo("chat")[0];
    assert.equal(headers["x-visitor-session"], "token-1");
    assert.match(body.request_id, /^[a-z0-9]{24}$/);
    assert.equal(body.agent_id, AGENT);
    assert.equal(body.message, "How long does delivery take?");
    assert.equal(body.metadata.page_url, `${server.url}/`);
    assert.equal(headers["content-type"], "application/json");

    const text = lastAnswer(page);
    assert.equal(await text.locator("strong").first().innerText(), "2–4 working days");
    assert.equal(await text.locator("li").count(), 2);
    const link = text.locator("a");
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer nofollow");
    assert.equal(await link.getAttribute("target"), "_blank");
    assert.deepEqual(await page.locator(".chip span").allInnerTexts(), ["Shipping and delivery · p. 3", "Returns policy 2026.pdf · p. 12"]);

    await text.locator("sup button").first().click();
    assert.equal(await page.locator(".passage mark").innerText(), SHIPPING.quote);
    assert.equal(await page.locator(".passage").innerText(), SHIPPING.chunk_preview);
    await page.getByText("Page 3 · Delivery times").waitFor();
    const words = encodeURIComponent(SHIPPING.quote);
    assert.equal(await page.locator(".card a").getAttribute("href"), `${SHIPPING.url}#:~:text=${words}`);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(".card").count(), 0);
    assert.deepEqual(errors, []);
  });

  visit("keep every token when the stream is cut anywhere", async (v) => {
    v.server.answer = {
      frames: framesOf(`${PLAIN} – naïve café 日本語 🎉 end`),
      chunks: (text) => text.replaceAll("\n", "\r\n").match(/[^]{1,7}/g) ?? [],
    };
    await openChat(v);
    await ask(v.page, "How long?");
    await v.page.locator(".extra .row").waitFor();
    assert.equal(await lastAnswer(v.page).innerText(), `${PLAIN} – naïve café 日本語 🎉 end`);
  });

  for (const repeat of [false, true]) {
    visit(`resume where the connection broke${repeat ? ", though the server repeats itself" : ""}`, async (v) => {
      v.server.answer = { frames: framesOf(`${PLAIN} [1].`, [SHIPPING]), cutAfter: [5, repeat ? 8 : 9], repeat };
      await openChat(v);
      await ask(v.page, "How long?");
      await v.page.locator(".chip").waitFor();
      assert.equal(await lastAnswer(v.page).innerText(), `${PLAIN}1.`);
      const calls = v.server.callsTo("chat");
      assert.equal(calls.length, 3);
      assert.deepEqual(calls.map(({ headers }) => headers["last-event-id"]?.toString().split(":")[1]), [undefined, "4", repeat ? "7" : "8"]);
      assert.deepEqual(calls[1].body, calls[0].body);
    });
  }

  visit("give up after three tries with a calm sentence, and try again when asked", async (v) => {
    await openChat(v);
    v.server.answer = { frames: framesOf(PLAIN), cutAfter: [4, 4, 4, 4] };
    await ask(v.page, "How long?");
    await v.page.locator(".note", { hasText: "We cannot be reached right now" }).waitFor();
    assert.equal(v.server.callsTo("chat").length, 4);
    v.server.answer = { frames: framesOf("Back again.") };
    await v.page.getByRole("button", { name: "Try again" }).click();
    await answerWith(v.page, "Back again.");
    assert.equal(await v.page.locator(".user").count(), 1);
    assert.equal(v.server.callsTo("chat")[4].body.message, "How long?");
  });

  visit("stop when the visitor says so and keep what came", async (v) => {
    const { page, server } = v;
    server.answer = { frames: framesOf("one two three"), hold: new Promise(() => {}) };
    await openChat(v);
    await ask(page, "Count");
    await answerWith(page, "one two three");
    const told = page.waitForResponse("**/widget/stop");
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Stopped").waitFor();
    assert.equal(await lastAnswer(page).innerText(), "one two three");
    await told;
    // The server is told, so that it does not go on writing.
    const { body } = server.callsTo("stop")[0];
    assert.match(body.message_id, /^msg_/);
    server.answer = { frames: framesOf("Go on.") };
    await ask(page, "More");
    await answerWith(page, "Go on.");
  });

  visit("say what failed: an error frame, a refusal, too many calls", async (v) => {
    const { page, server, errors } = v;
    await openChat(v);
    server.answer = { frames: [...framesOf("x").slice(0, 2), { type: "error", code: "UPSTREAM_FAILED", message: "model is down" }] };
    await ask(page, "one");
    await page.locator(".note", { hasText: "Sorry, that did not work" }).first().waitFor();
    server.answer = { frames: [], status: 403, code: "FORBIDDEN" };
    await ask(page, "two");
    await page.locator(".note", { hasText: "This chat is not available" }).first().waitFor();
    assert.ok(errors.some((error) => error.includes("UPSTREAM_FAILED: model is down")));
    assert.ok(errors.some((error) => error.includes("FORBIDDEN: scripted 403")));
  });

  visit("that the documents do not hold lead to a person", async (v) => {
    const { page, server } = v;
    server.answer = { frames: framesOf("I could not find that.", [], { answered: false, confidence: 0.1 }) };
    await openChat(v);
    await page.evaluate("window.seen = []; for (const name of ['unanswered', 'escalation']) Frontdesk.on(name, (data) => seen.push([name, data.content ?? data.email]))");
    await ask(page, "Who won?");
    await page.locator(".extra .link").click();
    assert.equal(await page.locator("form.card textarea").inputValue(), "Who won?");
    await page.getByLabel("E-mail", { exact: true }).fill("ann@example.com");
    server.escalateStatus = 500;
    await page.getByRole("button", { name: "Send request" }).click();
    await page.locator(".note", { hasText: "Sorry, that did not work" }).first().waitFor();
    server.escalateStatus = 200;
    await page.getByRole("button", { name: "Send request" }).click();
    await page.locator(".note", { hasText: "write to ann@example.com" }).waitFor();
    await screenshot(page, "sent");
    assert.equal(server.callsTo("escalate")[1].headers["x-visitor-session"], "token-1");
    assert.deepEqual(server.callsTo("escalate")[1].body, { agent_id: AGENT, email: "ann@example.com", message: "Who won?" });
    assert.deepEqual(await page.evaluate("seen"), [["unanswered", "I could not find that."], ["escalation", "ann@example.com"]]);
    await page.getByRole("button", { name: "Back to chat" }).click();
    assert.equal(await page.locator(".card").count(), 0);
  });

  visit("are rated, with a comment when they did not help", async (v) => {
    const { page, server } = v;
    await openChat(v);
    await ask(page, "Hi");
    await page.getByRole("button", { name: "Helpful", exact: true }).click();
    await page.getByRole("button", { name: "Not helpful" }).click();
    await page.getByPlaceholder("What was missing?").fill("Prices");
    await page.keyboard.press("Enter");
    await page.locator(".note", { hasText: "Thanks for your feedback." }).waitFor();
    const sent = server.callsTo("feedback").map(({ body }) => body);
    const { message_id } = sent[0];
    assert.match(message_id, /^msg_/);
    assert.deepEqual(sent, [
      { message_id, feedback_type: "THUMBS_UP" },
      { message_id, feedback_type: "THUMBS_DOWN" },
      { message_id, feedback_type: "THUMBS_DOWN", comment: "Prices" },
    ]);
    assert.equal(await page.getByRole("button", { name: "Not helpful" }).getAttribute("aria-pressed"), "true");
  });

  visit("are remembered on the next page, until a new conversation", async (v) => {
    const { page, server } = v;
    server.answer = { frames: framesOf(`${PLAIN} [1].`, [SHIPPING]) };
    await openChat(v);
    await ask(page, "How long?");
    await page.locator(".chip").waitFor();
    await page.reload();
    await page.locator(".bubble").click();
    await page.locator(".chip").click();
    assert.equal(await page.locator(".passage mark").innerText(), SHIPPING.quote);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "More options" }).click();
    await page.getByRole("button", { name: "New conversation" }).click();
    await page.locator(".ask").first().waitFor();
    await ask(page, "And now?");
    await page.locator(".chip").waitFor();
    assert.deepEqual(server.callsTo("chat").map(({ headers }) => headers["x-visitor-session"]), ["token-1", "token-2"]);
  });

  visit("that come while the panel is closed leave a mark on the bubble", async (v) => {
    /** @type {(value?: unknown) => void} */
    let release = () => {};
    v.server.answer = { frames: framesOf("Late."), hold: new Promise((resolve) => (release = resolve)) };
    await openChat(v);
    await ask(v.page, "Hi");
    await answerWith(v.page, "Late.");
    await v.page.keyboard.press("Escape");
    release();
    await v.page.getByRole("button", { name: "Open chat, 1 new" }).click();
    await v.page.getByRole("button", { name: "Close chat" }).first().waitFor();
    assert.equal(await v.page.locator(".badge:visible").count(), 0);
  });
});

describe("Markdown", TWO, () => {
  const SAMPLE = `# Title

Some *emphasis*, **strong _both_**, \`code <b>\` and snake_case_name, 2 * 3 * 4.
Second line.

1. first
   - nested one
   - nested two
2. second

> quoted **text**

| Plan | Price |
|:-----|------:|
| Pro  | \`9 €\` |

\`\`\`js
const a = "<script>";
\`\`\`

See https://example.com/a_(b)?c=d. Mail [us](mailto:a@example.com) \\*literal\\* [7].`;

  visit("becomes nodes", async (v) => {
    const { page, server } = v;
    server.answer = { frames: framesOf(SAMPLE, [SHIPPING]) };
    await openChat(v);
    await ask(page, "Show all");
    await page.locator(".chip").waitFor();
    const text = lastAnswer(page);
    const shape = await text.evaluate((element) => [...element.children].map((child) => child.tagName).join(" "));
    assert.equal(shape, "H3 P OL BLOCKQUOTE DIV PRE P");
    assert.equal(await text.locator("em").first().innerText(), "emphasis");
    assert.equal(await text.locator("strong em").innerText(), "both");
    assert.match(await text.locator("p").first().innerText(), /code <b> and snake_case_name, 2 \* 3 \* 4\.\nSecond line\./);
    assert.equal(await text.locator("ol > li").count(), 2);
    assert.equal(await text.locator("ol > li > ul > li").count(), 2);
    assert.equal(await text.locator("td code").innerText(), "9 €");
    assert.equal(await text.locator("pre").innerText(), 'const a = "<script>";');
    assert.deepEqual(
      await text.locator("a").evaluateAll((links) => links.map((a) => a.getAttribute("href"))),
      ["https://example.com/a_(b)?c=d", "mailto:a@example.com"],
    );
    assert.match(await text.locator("> p").last().innerText(), /\*literal\* \[7\]\.$/);
    await screenshot(page, "markdown");
  });

  const ATTACK = `<img src=x onerror="window.hacked=1"> <script>window.hacked=1</script> [a](javascript:window.hacked=1) [b](JaVaScRiPt:alert(1)) ![c](data:text/html,x) [d](vbscript:x) <https://x/"onmouseover="window.hacked=1> \`<svg onload=window.hacked=1>\``;

  visit("never becomes code", async (v) => {
    const { page, server, errors } = v;
    server.config.agent_name = ATTACK;
    server.config.behavior.greeting_message = ATTACK;
    server.config.behavior.suggested_questions = [ATTACK];
    const source = { ...SHIPPING, title: ATTACK, heading: ATTACK, chunk_preview: `${ATTACK} tail`, quote: ATTACK, url: "javascript:window.hacked=1" };
    server.answer = { frames: framesOf(`${ATTACK} [1]`, [source]) };
    await page.goto(server.url);
    await page.locator(".teaser").waitFor();
    await page.locator(".bubble").click();
    await page.locator(".ask").click();
    await page.locator(".chip").click();
    await page.locator(".passage mark").waitFor();
    assert.equal(await page.locator(".card a").count(), 0);
    const made = await page.locator(".root").evaluate((root) => ({
      active: root.querySelectorAll("script,img,iframe,object,form form,[onerror],[onload],[onmouseover]").length,
      schemes: [...root.querySelectorAll("a")].map((a) => a.protocol),
    }));
    assert.equal(made.active, 0);
    assert.ok(made.schemes.every((scheme) => scheme === "https:"), String(made.schemes));
    assert.equal(await page.evaluate("window.hacked"), undefined);
    assert.deepEqual(errors, []);
  });

  visit("that is meant to be slow is not", async (v) => {
    const hostile = ["*", "_a", "[", "![", "`", "> ", "|-", "# ", "- ", "http://", "\\", "1. "].map((part) => part.repeat(500)).join("\n\n");
    v.server.answer = { frames: [...framesOf("x").slice(0, 1), { type: "token", content: hostile }, ...framesOf("x [1]", [SHIPPING]).slice(1)] };
    await openChat(v);
    await ask(v.page, "Slow?");
    const start = Date.now();
    await v.page.locator(".chip").waitFor();
    assert.ok(Date.now() - start < 4000, `${Date.now() - start} ms`);
  });

  visit("of a long answer stays cheap while it streams", async (v) => {
    const { page, server } = v;
    const long = Array.from({ length: 60 }, (_, i) => `Paragraph ${i} with **bold** words and \`code\` [1].`).join("\n\n");
    server.answer = { frames: framesOf(long, [SHIPPING]) };
    await openChat(v);
    await page.evaluate("window.replaced = 0; window.watch = (root) => new MutationObserver((all) => all.forEach((m) => { replaced += m.removedNodes.length })).observe(root, { childList: true })");
    await ask(page, "Long");
    await page.locator(".agent .text").nth(1).evaluate((element) => Reflect.get(window, "watch")(element));
    await page.locator(".chip").waitFor();
    // A frame may redraw the paragraph that grows, and the end redraws all of them once.
    const replaced = Number(await page.evaluate("replaced"));
    assert.equal(await lastAnswer(page).locator("p").count(), 60);
    assert.ok(replaced < 60 * 4, `${replaced} blocks were redrawn`);
  });
});

describe("the page around it", TWO, () => {
  visit("cannot reach in with its styles", async (v) => {
    v.server.answer = { frames: framesOf(`${PLAIN} [1].`, [SHIPPING]) };
    await openChat(v, "/evil");
    await ask(v.page, "How long?");
    await v.page.locator(".chip").waitFor();
    const panel = await v.page.locator(".panel").boundingBox();
    assert.ok(panel && Math.round(panel.width) === 408 && panel.x > 700, JSON.stringify(panel));
    const send = await v.page.locator(".field .icon").evaluate((element) => {
      const { width, textTransform, letterSpacing, direction } = getComputedStyle(element);
      return { width, textTransform, letterSpacing, direction };
    });
    assert.deepEqual(send, { width: "36px", textTransform: "none", letterSpacing: "normal", direction: "ltr" });
    await screenshot(v.page, "evil-css");
  });

  visit("may forbid everything but the host", async (v) => {
    v.server.csp = `default-src 'none'; script-src ${v.server.url}; connect-src ${v.server.url}`;
    v.server.answer = { frames: framesOf(ANSWER, [SHIPPING, RETURNS]) };
    await openChat(v);
    await ask(v.page, "How long?\nA second line, to make the field grow.");
    await v.page.locator(".chip").first().click();
    await v.page.locator(".passage mark").waitFor();
    assert.equal(await v.page.locator(".panel").evaluate((element) => getComputedStyle(element).position), "fixed");
    assert.deepEqual(v.errors.filter((error) => !error.includes("favicon")), []);
  });

  visit("may be without storage", async (v) => {
    await v.page.addInitScript(() => {
      Object.defineProperty(window, "localStorage", { get: () => { throw new DOMException("denied", "SecurityError"); } });
    });
    await openChat(v);
    await ask(v.page, "Hi");
    await answerWith(v.page, "Hello.");
    v.server.answer = { frames: framesOf("Hello again.") };
    await ask(v.page, "Hi again");
    await answerWith(v.page, "Hello again.");
    assert.deepEqual(v.server.callsTo("chat").map(({ headers }) => headers["x-visitor-session"]), ["token-1", "token-1"]);
    assert.deepEqual(v.errors, []);
  });

  visit("can hold it inline, as the share page does", async (v) => {
    v.server.answer = { frames: framesOf(ANSWER, [SHIPPING, RETURNS]) };
    await v.page.goto(`${v.server.url}/inline`);
    await v.page.locator(".ask").first().click();
    await v.page.locator(".chip").first().waitFor();
    assert.equal(await v.page.locator(".bubble").count(), 0);
    const box = await v.page.locator("#frontdesk-chat .panel").boundingBox();
    assert.deepEqual(box, { x: 0, y: 0, width: 1180, height: 860 });
    await screenshot(v.page, "inline");
  });
});

describe("colours", TWO, () => {
  for (const color of ["#e91919", "#ffee00", "#ffffff", "#000000", "#777777", "#00c2a8"]) {
    visit(`text can be read on and beside ${color}`, async (v) => {
      v.server.config.appearance.primary_color = color;
      v.server.config.appearance.theme = "auto";
      for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
        await v.page.emulateMedia({ colorScheme });
        await openChat(v);
        const ratios = await v.page.locator(".root").evaluate((root) => {
          /** @param {string} value */
          const luminance = (value) => {
            const [r, g, b] = (value.match(/\d+/g) ?? []).map((c) => Number(c) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          /** @param {string} a @param {string} b */
          const ratio = (a, b) => (Math.max(luminance(a), luminance(b)) + 0.05) / (Math.min(luminance(a), luminance(b)) + 0.05);
          const bubble = getComputedStyle(/** @type {Element} */ (root.querySelector(".bubble")));
          const text = getComputedStyle(/** @type {Element} */ (root.querySelector(".agent .text")));
          const chip = getComputedStyle(/** @type {Element} */ (root.querySelector(".ask")));
          return [ratio(bubble.color, bubble.backgroundColor), ratio(chip.color, text.backgroundColor)];
        });
        assert.ok(Math.min(...ratios) >= 4.5, `${colorScheme}: ${ratios}`);
      }
    });
  }
});

describe("everyone", TWO, () => {
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

  /**
   * @param {Page} page
   * @param {string} where
   */
  async function checkAxe(page, where) {
    await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {}))));
    await page.evaluate(await readFile(axe, "utf8"));
    const violations = await page.evaluate(async () => {
      const results = await Reflect.get(window, "axe").run(document, { resultTypes: ["violations"] });
      return results.violations.map((/** @type {any} */ violation) => `${violation.id}: ${violation.nodes.map((/** @type {any} */ node) => `${node.target} ${node.failureSummary}`)}`);
    });
    assert.deepEqual(violations, [], where);
  }

  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    visit(`axe finds nothing, ${colorScheme}`, async (v) => {
      const { page, server } = v;
      server.config.appearance.theme = "auto";
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      server.answer = (question) => ({ frames: /Who/.test(question) ? framesOf("I could not find that.", [], { answered: false }) : framesOf(ANSWER, [SHIPPING, RETURNS]) });
      await page.goto(server.url);
      await page.locator(".teaser").waitFor();
      await screenshot(page, `${colorScheme}-teaser`);
      await checkAxe(page, "teaser");
      await page.locator(".bubble").click();
      await page.locator(".ask").first().waitFor();
      await screenshot(page, `${colorScheme}-greeting`);
      await checkAxe(page, "greeting");
      await page.locator(".ask").first().click();
      await page.locator(".chip").first().waitFor();
      await screenshot(page, `${colorScheme}-answer`);
      await checkAxe(page, "answer");
      await page.locator(".chip").first().click();
      await page.locator(".card").waitFor();
      await screenshot(page, `${colorScheme}-source`);
      await checkAxe(page, "source");
      await page.keyboard.press("Escape");
      await ask(page, "Who won?");
      await page.locator(".extra .link").waitFor();
      await page.getByRole("button", { name: "Not helpful" }).last().click();
      await page.getByRole("button", { name: "More options" }).click();
      await screenshot(page, `${colorScheme}-unanswered`);
      await checkAxe(page, "unanswered, with the menu");
      await page.locator(".menu button").first().click();
      await page.locator("form.card").waitFor();
      await screenshot(page, `${colorScheme}-person`);
      await checkAxe(page, "person");
    });
  }

  /** @param {Page} page what has the focus inside the widget */
  const focused = (page) => page.evaluate(() => {
    const element = document.querySelector("#frontdesk-widget")?.shadowRoot?.activeElement;
    return element?.ariaLabel || element?.textContent || element?.className || "";
  });

  visit("can use it with the keyboard alone", async (v) => {
    const { page, server } = v;
    server.answer = { frames: framesOf(`${PLAIN} [1].`, [SHIPPING]) };
    server.config.behavior.greeting_delay = 60_000;
    await page.goto(server.url);
    await page.locator(".bubble").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Open chat");
    await page.keyboard.press("Enter");
    assert.equal(await focused(page), "Ask a question…");
    await page.keyboard.type("How long");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("is it?");
    await page.keyboard.press("Enter");
    await page.locator(".chip").waitFor();
    assert.equal(server.callsTo("chat")[0].body.message, "How long\nis it?");
    assert.equal(await page.locator("[role=status]").textContent(), `${PLAIN}1.`);
    for (let i = 0; i < 12 && !(await focused(page)).includes("Shipping"); i++) await page.keyboard.press("Shift+Tab");
    const opener = await focused(page);
    assert.match(opener, /Shipping/);
    await page.keyboard.press("Enter");
    assert.equal(await focused(page), "Back");
    await page.keyboard.press("Escape");
    assert.equal(await focused(page), opener);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator(".panel:visible").count(), 0);
    assert.equal(await focused(page), "Open chat");
  });

  visit("gets the focus back where the page opened it from", async (v) => {
    await v.page.goto(v.server.url);
    await v.page.locator(".bubble").waitFor();
    await v.page.getByRole("button", { name: "Add to basket" }).focus();
    await v.page.evaluate("Frontdesk.open()");
    await v.page.waitForFunction(() => document.activeElement?.id === "frontdesk-widget");
    await v.page.keyboard.press("Escape");
    assert.equal(await v.page.evaluate("document.activeElement.textContent"), "Add to basket");
  });

  visit(
    "has the whole screen of a phone, and the focus stays in it",
    async (v) => {
      const { page, server } = v;
      server.answer = { frames: framesOf(ANSWER, [SHIPPING, RETURNS]) };
      await openChat(v);
      assert.deepEqual(await page.locator(".panel").boundingBox(), { x: 0, y: 0, width: 390, height: 844 });
      assert.equal(await page.locator(".panel").getAttribute("aria-modal"), "true");
      await page.locator(".ask").first().click();
      await page.locator(".chip").first().waitFor();
      for (let i = 0; i < 20; i++) {
        await page.keyboard.press(i < 14 ? "Tab" : "Shift+Tab");
        assert.equal(await page.evaluate("document.activeElement?.id"), "frontdesk-widget", `after ${i + 1} steps`);
      }
      await screenshot(page, "phone-answer");
      const small = await page.locator(".root").evaluate((root) =>
        [...root.querySelectorAll("button")].filter((button) => button.offsetParent && !button.closest("sup")).map((button) => button.getBoundingClientRect()).filter(({ width, height }) => width < 24 || height < 24).length,
      );
      assert.equal(small, 0, "every target is at least 24 by 24");
      await page.getByRole("button", { name: "Close chat" }).click();
      await page.locator(".bubble:visible").waitFor();
    },
    { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, reducedMotion: "reduce" },
  );

  visit(
    "sees a picture of it in the README",
    async (v) => {
      v.server.answer = { frames: framesOf(ANSWER, [SHIPPING, RETURNS]) };
      await openChat(v);
      await v.page.locator(".ask").first().click();
      await v.page.locator(".chip").first().waitFor();
      await v.page.mouse.move(10, 10);
      await screenshot(v.page, "readme");
    },
    { viewport: { width: 900, height: 840 }, deviceScaleFactor: 2 },
  );
});
