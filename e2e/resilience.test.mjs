// The widget where things are not as they should be, and what visitors do beside asking: against a scripted server.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe } from "node:test";
import { screenshot } from "./browser.mjs";
import { AGENT, KEY, RETURNS, SHIPPING, framesOf } from "./stand-in.mjs";
import { TWO, answerWith, ask, lastAnswer, openChat, visit } from "./visit.mjs";

/** @typedef {import("playwright-core").Page} Page */

const LONG = "Standard delivery within the EU takes 2–4 working days, and orders placed before 2 p.m. leave the same day.";

describe("a bad connection", TWO, () => {
  visit("a proxy that holds streams back is found out, and the answer fetched bit by bit", async (v) => {
    /** @type {(value?: unknown) => void} */
    let release = () => {};
    v.server.answer = { frames: framesOf(LONG), buffers: true, hold: new Promise((resolve) => (release = resolve)) };
    v.page.setDefaultTimeout(15_000);
    await openChat(v);
    await ask(v.page, "How long?");
    await v.page.locator(".extra .row").waitFor();
    assert.equal(await lastAnswer(v.page).innerText(), LONG);
    const calls = v.server.callsTo("chat").map(({ body }) => body);
    assert.equal(calls[0].delivery, undefined);
    assert.ok(calls.length > 3 && calls.slice(1).every(({ delivery }) => delivery === "poll"));
    assert.equal(new Set(calls.map(({ request_id }) => request_id)).size, 1, "it is one question");
    // The next one is not tried as a stream again.
    await ask(v.page, "And then?");
    await v.page.locator(".extra .row").nth(1).waitFor();
    assert.equal(v.server.callsTo("chat").filter(({ body }) => !body.delivery).length, 1);
    release();
  });

  visit("an answer that another page begun is gone on with, and not asked again", async (v) => {
    /** @type {(value?: unknown) => void} */
    let release = () => {};
    v.server.answer = { frames: framesOf(LONG), hold: new Promise((resolve) => (release = resolve)) };
    await openChat(v);
    await ask(v.page, "How long?");
    await answerWith(v.page, "the same day.");
    await v.page.reload();
    await v.page.locator(".bubble").click();
    await answerWith(v.page, "the same day.");
    release();
    await v.page.locator(".extra .row").waitFor();
    assert.equal(await lastAnswer(v.page).innerText(), LONG);
    const calls = v.server.callsTo("chat").map(({ body }) => body);
    assert.equal(calls.length, 2);
    assert.deepEqual(calls[0], calls[1]);
    assert.equal(await v.page.locator(".user").count(), 1);
  });

  visit("offline is said, and the answer comes when there is a network again", async (v) => {
    const { page, server } = v;
    server.answer = { frames: framesOf("Back.") };
    await openChat(v);
    await page.context().setOffline(true);
    await page.locator(".offline", { hasText: "You are offline" }).waitFor();
    await ask(page, "Hello?");
    await page.locator(".wait", { hasText: "Reconnecting" }).waitFor();
    await screenshot(page, "offline");
    await page.context().setOffline(false);
    await answerWith(page, "Back.");
    assert.equal(await page.locator(".offline:visible").count(), 0);
    assert.equal(await page.locator(".user").count(), 1);
  });

  visit("a session that has ended is renewed without a word", async (v) => {
    await openChat(v);
    await ask(v.page, "One");
    await answerWith(v.page, "Hello.");
    v.server.expired = true;
    v.server.sessions = 7;
    v.server.answer = { frames: framesOf("Again.") };
    await ask(v.page, "Two");
    await answerWith(v.page, "Again.");
    const sessions = v.server.callsTo("session");
    assert.deepEqual(sessions.map(({ body }) => body.token), [undefined, "token-1"]);
    assert.equal(v.server.callsTo("chat").at(-1)?.headers["x-visitor-session"], "token-8");
  });

  visit("too many questions are answered by one calm sentence", async (v) => {
    await openChat(v);
    v.server.answer = { frames: [], status: 429, code: "RATE_LIMIT_EXCEEDED" };
    await ask(v.page, "One");
    await v.page.locator(".note", { hasText: "That was a lot at once" }).waitFor();
    assert.ok(v.errors.some((error) => error.includes("RATE_LIMIT_EXCEEDED")));
  });

  visit("a spent budget leads to a person", async (v) => {
    v.server.answer = { frames: framesOf("Sorry, not now.", [], { answered: false, contact: true, model: "contact" }) };
    await openChat(v);
    const told = v.page.waitForEvent("console", (message) => message.text().startsWith("Frontdesk: BUDGET_SPENT: "));
    await ask(v.page, "How long?");
    await v.page.locator("form.card").waitFor();
    await told;
    assert.equal(await v.page.locator("form.card textarea").inputValue(), "How long?");
  });

  visit("work that the server asks for is done before the session", async (v) => {
    v.server.difficulty = 12;
    await openChat(v);
    await ask(v.page, "Hi");
    await answerWith(v.page, "Hello.");
    const proofs = v.server.callsTo("session").map(({ body }) => body.proof);
    assert.equal(proofs[0], undefined);
    assert.equal(proofs[1].challenge, "some-work");
    assert.ok(proofs[1].number > 0);
    assert.deepEqual(v.errors, []);
  });
});

describe("a slow phone", TWO, () => {
  visit(
    "is answered whole, and each word is there once",
    async (v) => {
      const { page, server } = v;
      const session = await page.context().newCDPSession(page);
      await session.send("Emulation.setCPUThrottlingRate", { rate: 6 });
      await session.send("Network.enable");
      await session.send("Network.emulateNetworkConditions", { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 20_000 });
      page.setDefaultTimeout(30_000);
      server.answer = { frames: framesOf(`${LONG} [1]`, [SHIPPING]), cutAfter: [9] };
      await openChat(v);
      await ask(page, "How long?");
      await page.locator(".agent .chip").waitFor();
      assert.equal(await lastAnswer(page).innerText(), `${LONG}1`);
      await page.locator(".agent .chip").click();
      await page.locator(".passage mark").waitFor();
      assert.deepEqual(v.errors.filter((error) => !/ERR_|net::/.test(error)), []);
    },
    { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, reducedMotion: "reduce" },
  );
});

describe("several pages", TWO, () => {
  visit("two tabs show one conversation", async (v) => {
    await openChat(v);
    await ask(v.page, "From the first");
    await answerWith(v.page, "Hello.");
    const second = await v.page.context().newPage();
    second.setDefaultTimeout(8000);
    await second.goto(v.server.url);
    await second.locator(".bubble").click();
    await second.locator(".user", { hasText: "From the first" }).waitFor();
    v.server.answer = { frames: framesOf("To the second.") };
    await ask(second, "From the second");
    await answerWith(second, "To the second.");
    await answerWith(v.page, "To the second.");
    v.server.answer = { frames: framesOf("To the first.") };
    await ask(v.page, "Again from the first");
    await answerWith(second, "To the first.");
    assert.deepEqual(await second.locator(".user").allInnerTexts(), ["From the first", "From the second", "Again from the first"]);
    assert.equal(new Set(v.server.callsTo("chat").map(({ headers }) => headers["x-visitor-session"])).size, 1);
    // A new conversation is new in both.
    await second.evaluate("Frontdesk.clearHistory()");
    await v.page.locator(".ask").first().waitFor();
    assert.equal(await v.page.locator(".user").count(), 0);
  });

  visit("a page that comes back from the back/forward cache has what was said meanwhile", async (v) => {
    await openChat(v);
    await ask(v.page, "One");
    await answerWith(v.page, "Hello.");
    await v.page.evaluate(() => {
      const key = Object.keys(localStorage).find((name) => name.startsWith("frontdesk:")) ?? "";
      const kept = JSON.parse(localStorage.getItem(key) ?? "{}");
      kept.messages.push({ role: "user", text: "Said elsewhere" }, { role: "agent", text: "And answered.", state: "done" });
      localStorage.setItem(key, JSON.stringify(kept));
      dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
    });
    await answerWith(v.page, "And answered.");
    v.server.answer = { frames: framesOf("Still here.") };
    await ask(v.page, "Two");
    await answerWith(v.page, "Still here.");
  });

  visit("one agent after another on one page, each with its own conversation", async (v) => {
    const { page, server } = v;
    await openChat(v);
    await ask(page, "To the first agent");
    await answerWith(page, "Hello.");
    await page.evaluate("Frontdesk.destroy()");
    assert.equal(await page.locator("#frontdesk-widget").count(), 0);
    server.config.agent_name = "Second Agent";
    await page.evaluate(`Frontdesk.init({ agentId: "agent_second", apiKey: "${KEY}", position: "top-left" }); Frontdesk.open()`);
    await page.locator(".who h2", { hasText: "Second Agent" }).waitFor();
    assert.equal(await page.locator(".user").count(), 0);
    server.answer = { frames: framesOf("I am the second.") };
    await ask(page, "To the second agent");
    await answerWith(page, "I am the second.");
    assert.deepEqual(server.callsTo("chat").map(({ body }) => body.agent_id), [AGENT, "agent_second"]);
    await page.evaluate(`Frontdesk.init({ agentId: "${AGENT}", apiKey: "${KEY}" }); Frontdesk.open()`);
    await page.locator(".user", { hasText: "To the first agent" }).waitFor();
    assert.equal(await page.locator("#frontdesk-widget").count(), 1);
    assert.deepEqual(v.errors, []);
  });
});

describe("who the visitor is", TWO, () => {
  visit("a visitor whom the site knows finds what was said on another device, and nobody after them does", async (v) => {
    const { page, server } = v;
    server.history = [{ message_id: "msg_old", question: "On my phone?", answer: "Yes [1].", answered: true, sources: [SHIPPING], feedback_type: "THUMBS_UP", files: [] }];
    await page.goto(server.url);
    await page.locator(".bubble").waitFor();
    await page.evaluate("Frontdesk.identify({ userId: 'ann', userHash: 'hash of ann', email: 'ann@example.com' }); Frontdesk.open()");
    await page.locator(".user", { hasText: "On my phone?" }).waitFor();
    assert.equal(await page.locator("[data-rate=THUMBS_UP]").getAttribute("aria-pressed"), "true");
    assert.deepEqual(server.callsTo("session").map(({ body }) => [body.user_id, body.user_hash]), [["ann", "hash of ann"]]);
    await ask(page, "Hi");
    await answerWith(page, "Hello.");
    await page.getByRole("button", { name: "More options" }).click();
    await page.getByRole("button", { name: "Talk to a person" }).click();
    assert.equal(await page.getByLabel("E-mail", { exact: true }).inputValue(), "ann@example.com");
    assert.ok(!(await page.evaluate("JSON.stringify(localStorage)")).includes("phone"), "nothing of theirs is left in the browser");
    await page.evaluate("Frontdesk.identify()");
    await page.locator(".ask").first().waitFor();
    assert.equal(await page.locator(".user").count(), 0);
  });

  visit("a site that errs about its visitor hears of it, and the visitor is not let in as another", async (v) => {
    const { page, server } = v;
    server.tag = `<script src="/widget.js" data-agent-id="${AGENT}" data-api-key="${KEY}" data-user-id="ann" data-user-hash="wrong"></script>`;
    await openChat(v);
    await ask(page, "Hi");
    await page.locator(".note", { hasText: "This chat is not available" }).waitFor();
    assert.ok(v.errors.some((error) => error.includes("IDENTITY_NOT_VERIFIED")), v.errors.join());
    assert.equal(server.callsTo("chat").length, 0);
  });

  visit("contacts sign in by a mailed code, and out again", async (v) => {
    const { page, server } = v;
    server.config.access = "restricted";
    server.config.appearance.theme = "light";
    await openChat(v);
    await page.getByText("This assistant is for people we know").waitFor();
    await screenshot(page, "sign-in");
    assert.equal(await page.getByRole("button", { name: "Back" }).count(), 0);
    await page.getByLabel("E-mail", { exact: true }).fill("ann@example.com");
    await page.keyboard.press("Enter");
    await page.locator(".card .note", { hasText: "If ann@example.com is known to us" }).waitFor();
    await page.getByLabel("Code").fill("000000");
    await page.keyboard.press("Enter");
    await page.getByText("This code is wrong").waitFor();
    await screenshot(page, "sign-in-code");
    server.history = [{ message_id: "msg_old", question: "Before?", answer: "Yes.", answered: true, sources: [], files: [] }];
    await page.getByLabel("Code").fill("123 456");
    await page.keyboard.press("Enter");
    await page.locator(".user", { hasText: "Before?" }).waitFor();
    await ask(page, "Now?");
    await answerWith(page, "Hello.");
    // The token is kept, what was said is not.
    await page.reload();
    assert.ok(!(await page.evaluate("JSON.stringify(localStorage)")).includes("Before"));
    await page.locator(".bubble").click();
    await page.locator(".user", { hasText: "Before?" }).waitFor();
    await page.getByRole("button", { name: "More options" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("This assistant is for people we know").waitFor();
    assert.equal(await page.locator(".user").count(), 0);
  });
});

describe("beside the answer", TWO, () => {
  visit("files go with the question, where the agent takes them", async (v) => {
    const { page, server } = v;
    server.config.attachments = { max_files: 2, max_file_mb: 1, file_types: ["txt", "pdf"] };
    await openChat(v);
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Attach a file" }).click()]);
    const text = (/** @type {string} */ name, size = 20) => ({ name, mimeType: "text/plain", buffer: Buffer.alloc(size, "a") });
    await chooser.setFiles([text("order.txt"), text("picture.png"), text("huge.txt", 1024 * 1024 + 1)]);
    await page.getByText("Files of this type cannot be read here: picture.png").waitFor();
    await page.getByText("huge.txt is too large.").waitFor();
    await page.getByRole("button", { name: "Remove order.txt" }).waitFor();
    await screenshot(page, "attached");
    assert.equal(server.callsTo("files").length, 1);
    assert.match(server.callsTo("files")[0].body, /name="agent_id"[^]*name="file"; filename="order.txt"/);
    await ask(page, "What stands in it?");
    await answerWith(page, "Hello.");
    assert.deepEqual(server.callsTo("chat")[0].body.file_ids.length, 1);
    assert.equal(await page.locator(".user .chip").innerText(), "order.txt");
    assert.equal(await page.locator(".compose .chip").count(), 0);
    server.fileStatus = 422;
    await page.locator("input[type=file]").setInputFiles([text("broken.txt")]);
    await page.getByText("broken.txt could not be read.").waitFor();
    await ask(page, "Without");
    await page.locator(".agent .text").nth(2).waitFor();
    assert.deepEqual(server.callsTo("chat")[1].body.file_ids, []);
  });

  visit("it opens by itself where the agent wants it, once, and takes no focus", async (v) => {
    const { page, server } = v;
    server.config.behavior.auto_open = true;
    await page.goto(server.url);
    await page.getByRole("button", { name: "Add to basket" }).focus();
    await page.locator(".panel:visible").waitFor();
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Add to basket");
    assert.equal(server.calls.length, 1, "the visitor has not opened it");
    await page.getByRole("button", { name: "Close chat" }).first().click();
    await page.reload();
    await page.locator(".bubble").waitFor();
    await page.waitForTimeout(300);
    assert.equal(await page.locator(".panel:visible").count(), 0);
  });

  visit(
    "it does not open by itself on a phone",
    async (v) => {
      v.server.config.behavior.auto_open = true;
      await v.page.goto(v.server.url);
      await v.page.locator(".teaser").waitFor();
      assert.equal(await v.page.locator(".panel").count(), 0);
      await screenshot(v.page, "phone-teaser");
    },
    { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, reducedMotion: "reduce" },
  );

  visit("answers are counted while it is closed, and are heard when the visitor wants that", async (v) => {
    const { page } = v;
    await page.addInitScript(() => {
      const made = { tones: 0 };
      Reflect.set(window, "made", made);
      const { createOscillator } = AudioContext.prototype;
      AudioContext.prototype.createOscillator = function () {
        made.tones++;
        return createOscillator.call(this);
      };
    });
    await openChat(v);
    await ask(page, "One");
    await answerWith(page, "Hello.");
    await page.keyboard.press("Escape");
    await page.evaluate("Frontdesk.sendMessage('Two'); Frontdesk.sendMessage('Three')");
    await page.getByRole("button", { name: "Open chat, 2 new" }).waitFor();
    await screenshot(page, "unread");
    assert.equal(await page.evaluate("made.tones"), 0, "silent unless it is asked for");
    await page.locator(".bubble").click();
    await page.getByRole("button", { name: "More options" }).click();
    await page.getByRole("button", { name: "Turn sound on" }).click();
    await page.waitForFunction("made.tones === 2");
    await page.keyboard.press("Escape");
    await page.evaluate("Frontdesk.sendMessage('Four')");
    await page.waitForFunction("made.tones === 4");
  });

  visit("the subtitle, the name and the face are the agent's", async (v) => {
    v.server.config.branding = { show_powered_by: false, avatar_url: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>", subtitle: "Answers about boots" };
    await openChat(v);
    assert.equal(await v.page.locator(".who p").innerText(), "Answers about boots");
    assert.equal(await v.page.locator(".head img.face").count(), 1);
    assert.equal(await v.page.getByText("Powered by").count(), 0);
  });
});

describe("languages", TWO, () => {
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  /** The locale of a browser, the language that is spoken then, and what stands in the field. @type {[string, string, string][]} */
  const LOCALES = [
    ["de-AT", "de", "Stellen Sie eine Frage…"],
    ["fr-FR", "fr", "Posez une question…"],
    ["es-MX", "es", "Haga una pregunta…"],
    ["nb-NO", "no", "Still et spørsmål…"],
    ["hi-IN", "hi", "प्रश्न पूछें…"],
    ["ar-EG", "ar", "اطرح سؤالاً…"],
    ["zh-CN", "zh", "请输入问题…"],
    ["fi-FI", "en", "Ask a question…"],
  ];
  for (const [locale, lang, placeholder] of LOCALES) {
    visit(
      `${locale} reads ${lang}, with the one request that there is anyway`,
      async (v) => {
        const { page, server } = v;
        server.answer = (question) => ({ frames: framesOf(`${question} [1] [2]`, [SHIPPING, RETURNS]) });
        await page.goto(server.url);
        await page.locator(".teaser").waitFor();
        assert.equal(server.calls.length, 1);
        await page.locator(".bubble").click();
        await page.getByPlaceholder(placeholder).waitFor();
        assert.equal(await page.locator(".root").getAttribute("lang"), lang);
        await ask(page, lang === "ar" ? "كم يستغرق التوصيل؟" : "Hello?");
        await page.locator(".chip").first().waitFor();
        await page.locator("[data-rate=THUMBS_DOWN]").click();
        await page.locator(".comment .input").waitFor();
        await page.evaluate(await readFile(axe, "utf8"));
        const violations = await page.evaluate(async () => (await Reflect.get(window, "axe").run(document)).violations.map((/** @type {any} */ one) => one.id));
        assert.deepEqual(violations, []);
        const spill = await page.locator(".panel").evaluate((panel) => {
          const { left, right } = panel.getBoundingClientRect();
          const out = (/** @type {DOMRect} */ box) => box.width > 1 && (box.left < left - 1 || box.right > right + 1);
          return [...panel.querySelectorAll("*")].filter((one) => out(one.getBoundingClientRect())).map((one) => one.className);
        });
        assert.deepEqual(spill, [], "nothing sticks out");
        await screenshot(page, `language-${lang}`);
      },
      { locale, reducedMotion: "reduce" },
    );
  }

  visit(
    "Arabic goes from right to left, and what is physical stays",
    async (v) => {
      const { page, server } = v;
      server.answer = { frames: framesOf("الإجابة هنا [1].", [SHIPPING]) };
      await openChat(v);
      await ask(page, "كم يستغرق التوصيل؟");
      await page.locator(".chip").click();
      await page.locator(".passage mark").waitFor();
      await screenshot(page, "rtl-source");
      assert.equal(await page.locator(".root").getAttribute("dir"), "rtl");
      const [face, close] = await Promise.all([page.locator(".head .face").boundingBox(), page.locator(".head .icon").last().boundingBox()]);
      assert.ok(face && close && face.x > close.x, "the face begins the line");
      const panel = await page.locator(".panel").boundingBox();
      assert.ok(panel && panel.x > 700, "the corner is the page's choice");
    },
    { locale: "ar-EG", reducedMotion: "reduce" },
  );

  visit("the page may choose", async (v) => {
    v.server.tag = `<script src="/widget.js" data-agent-id="${AGENT}" data-api-key="${KEY}" data-lang="de"></script>`;
    await openChat(v);
    await v.page.getByPlaceholder("Stellen Sie eine Frage…").waitFor();
    await v.page.evaluate(`Frontdesk.init({ agentId: "${AGENT}", apiKey: "${KEY}", lang: "en" }); Frontdesk.open()`);
    await v.page.getByPlaceholder("Ask a question…").waitFor();
  });
});
