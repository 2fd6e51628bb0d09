// What a site's developer pastes, on a page of another origin, against the real server: each snippet of the three documents
// unchanged but for host, id and key; and what goes wrong on real sites. FRONTDESK_URL is the server's base address.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";
import { launch, screenshot } from "./browser.mjs";

const base = process.env.FRONTDESK_URL?.replace(/\/+$/, "") ?? "";
const demo = process.env.FRONTDESK_AGENT_ID ?? "";
const skip = base && demo ? false : "FRONTDESK_URL or FRONTDESK_AGENT_ID is not set: there is no server to test";
const ANSWER = { timeout: 30_000 };

/** @type {import("playwright-core").Browser} */
let browser;
/** A site of somebody else's: it shows what a test gives it. */
let html = "";
let headers = {};
const site = createServer((request, response) => {
  const found = request.url === "/";
  response.writeHead(found ? 200 : 204, { "content-type": "text/html; charset=utf-8", ...headers });
  response.end(found ? `<!doctype html><html lang="en"><head><title>A shop</title></head><body><main><h1>A shop</h1></main>${html}</body></html>` : "");
});
let origin = "";
let token = "";
let workspace = "";
let key = "";

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 */
async function api(method, path, body) {
  const response = await fetch(`${base}/api/v1${path}`, {
    method,
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer;
}

/** @param {object} settings a published agent that knows what the demo's knows; its id */
async function agent(settings) {
  const { knowledge_collections } = await api("GET", `/workspaces/${workspace}/agents/${demo}`);
  const collection_ids = knowledge_collections.map((/** @type {{id: string}} */ { id }) => id);
  const { id } = await api("POST", `/workspaces/${workspace}/agents`, { name: "Shop help", collection_ids, ...settings });
  await api("POST", `/workspaces/${workspace}/agents/${id}/publish`);
  return id;
}

/** @param {object} [more] */
async function newKey(more) {
  return api("POST", `/workspaces/${workspace}/api-keys`, { name: "Shop", allowed_domains: ["127.0.0.1"], ...more });
}

before(async () => {
  if (skip) return;
  browser = await launch();
  await new Promise((resolve) => site.listen(0, "127.0.0.1", () => resolve(undefined)));
  origin = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (site.address()).port}`;
  const login = { email: process.env.FRONTDESK_EMAIL, password: process.env.FRONTDESK_PASSWORD };
  token = (await api("POST", "/auth/login", login)).access_token;
  workspace = (await api("GET", "/workspaces")).workspaces[0].id;
  key = (await newKey()).key;
});
after(async () => {
  await browser?.close();
  site.close();
});

/**
 * A page of the site with something pasted into it.
 * @param {string} name
 * @param {() => Promise<string> | string} pasted
 * @param {(page: import("playwright-core").Page, errors: string[]) => Promise<void>} body
 */
function onSite(name, pasted, body) {
  test(name, { skip }, async () => {
    html = await pasted();
    const context = await browser.newContext({ viewport: { width: 1180, height: 860 }, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    /** @type {string[]} */
    const errors = [];
    page.on("pageerror", (error) => errors.push(`uncaught: ${error.message}`));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    try {
      await page.goto(origin);
      await body(page, errors);
    } finally {
      headers = {};
      await context.close();
    }
  });
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} question
 */
async function ask(page, question) {
  await page.locator(".compose textarea").fill(question);
  await page.keyboard.press("Enter");
  await page.locator(".agent .actions, .agent [data-rate]").last().waitFor(ANSWER);
}

/** @param {string[]} errors without that of the icon which browsers ask for */
const told = (errors) => errors.filter((error) => !error.includes("favicon"));

describe("snippets", () => {
  onSite(
    "Insydr's: init, events, open, sendMessage",
    () => `<script src="${base}/widget.js"></script>
<script>
  InsydrAI.init({
    agentId: "${demo}",
    apiKey: "${key}",
    position: "bottom-right",
    theme: "dark"
  });
  
  // Event listeners
  InsydrAI.on('message', (data) => {
    console.log('New message:', data);
  });
  
  // Programmatic control
  InsydrAI.open();
  InsydrAI.sendMessage("Hello!");
</script>`,
    async (page, errors) => {
      /** @type {string[]} */
      const heard = [];
      page.on("console", (message) => message.text().startsWith("New message:") && heard.push(message.text()));
      await page.locator(".panel:visible").waitFor();
      await page.locator(".user", { hasText: "Hello!" }).waitFor();
      await page.locator(".agent .text").nth(1).waitFor(ANSWER);
      await page.locator("[data-rate]").first().waitFor(ANSWER);
      assert.equal(await page.locator(".root.dark[data-position=bottom-right]").count(), 1);
      assert.deepEqual(told(errors), []);
      await screenshot(page, "snippet-insydr");
    },
  );

  onSite(
    "A2V2's: its loader, an agent's id alone, init and destroy",
    async () => `<script>window.A2V2WidgetConfig = { chatbotId: "${await agent({ visibility: "public", name: "Public help" })}" };</script>
<script src="${base}/embed.js" async></script>`,
    async (page, errors) => {
      await page.locator(".bubble").click();
      await page.locator(".who h2", { hasText: "Public help" }).waitFor();
      await ask(page, "How long does delivery take?");
      const id = await page.evaluate("A2V2WidgetConfig.chatbotId");
      await page.evaluate(`A2V2Widget.init({ chatbotId: "${id}" })`);
      assert.equal(await page.locator("#frontdesk-widget").count(), 1, "a second init is ignored");
      await page.evaluate("A2V2Widget.destroy()");
      assert.equal(await page.locator("#frontdesk-widget").count(), 0);
      await page.evaluate(`A2V2Widget.init({ chatbotId: "${id}" })`);
      await page.locator(".bubble").waitFor();
      assert.deepEqual(told(errors), []);
    },
  );

  for (const path of ["widget.js", "a2v2-widget.js"]) {
    onSite(
      `the project's own line, /${path}`,
      () => `<script src="${base}/${path}" data-agent-id="${demo}" data-api-key="${key}" async></script>`,
      async (page, errors) => {
        await page.locator(".bubble").click();
        await ask(page, "How long does delivery take?");
        assert.deepEqual(told(errors), []);
      },
    );
  }

  onSite(
    "an agent's own script",
    () => `<script src="${base}/api/v1/agents/${demo}/widget.js" data-api-key="${key}" async></script>`,
    (page) => page.locator(".bubble").waitFor(),
  );

  onSite(
    "the share page in a frame",
    () => `<iframe src="${base}/chat/${demo}" title="Chat" style="width:420px;height:640px;border:0"></iframe>`,
    async (page, errors) => {
      const frame = page.frameLocator("iframe");
      await frame.locator(".compose textarea").fill("How long does delivery take?");
      await page.keyboard.press("Enter");
      await frame.locator("[data-rate]").first().waitFor(ANSWER);
      await frame.locator(".chip").first().click();
      await frame.locator(".passage mark").waitFor();
      await screenshot(page, "snippet-frame");
      assert.deepEqual(told(errors), []);
    },
  );

  onSite(
    "under a policy that names nothing but the server's host",
    () => {
      headers = { "content-security-policy": `default-src 'none'; script-src ${base}; connect-src ${base}` };
      return `<script src="${base}/widget.js" data-agent-id="${demo}" data-api-key="${key}" async></script>`;
    },
    async (page, errors) => {
      await page.locator(".bubble").click();
      await ask(page, "How long does delivery take?");
      await page.locator(".chip").first().click();
      await page.locator(".passage mark").waitFor();
      assert.deepEqual(told(errors), []);
    },
  );
});

describe("what goes wrong", () => {
  /** What is pasted, and what the console says. @type {[string, () => Promise<string> | string, string][]} */
  const wrong = [
    ["a wrong key", () => `<script src="${base}/widget.js" data-agent-id="${demo}" data-api-key="pk_live_wrong"></script>`, "UNAUTHORIZED"],
    [
      "a key for another domain",
      async () => `<script src="${base}/widget.js" data-agent-id="${demo}" data-api-key="${(await newKey({ allowed_domains: ["example.com"] })).key}"></script>`,
      "ORIGIN_NOT_ALLOWED",
    ],
    [
      "a draft",
      async () => {
        const { id } = await api("POST", `/workspaces/${workspace}/agents`, { name: "Draft" });
        return `<script src="${base}/widget.js" data-agent-id="${id}" data-api-key="${key}"></script>`;
      },
      "NOT_FOUND",
    ],
    ["a server that is down", () => `<script src="${base}/widget.js" data-agent-id="${demo}" data-api-key="${key}" data-base-url="http://127.0.0.1:9"></script>`, "NETWORK"],
  ];
  for (const [what, pasted, code] of wrong) {
    onSite(`${what} is one calm sentence for the visitor, and the reason for the developer`, pasted, async (page, errors) => {
      await page.locator(".bubble").click();
      await page.locator(".panel:visible .note", { hasText: "This chat is not available right now" }).waitFor();
      assert.ok(errors.some((error) => error.startsWith(`Frontdesk: ${code}: `)), errors.join("\n"));
      await screenshot(page, `wrong-${code.toLowerCase()}`);
    });
  }

  onSite(
    "a spent budget leads to a person",
    async () => `<script src="${base}/widget.js" data-agent-id="${demo}" data-api-key="${(await newKey({ daily_messages: 0 })).key}"></script>`,
    async (page) => {
      await page.locator(".bubble").click();
      await page.locator(".compose textarea").fill("How long does delivery take?");
      await page.keyboard.press("Enter");
      await page.locator("form.card").waitFor(ANSWER);
      await page.getByLabel("E-mail", { exact: true }).fill("ann@example.com");
      await page.getByRole("button", { name: "Send request" }).click();
      await page.getByText("We have your request").first().waitFor();
    },
  );
});

describe("visitors who are known", () => {
  test("find their conversation on each of their devices", { skip }, async () => {
    const { secret } = await api("POST", `/workspaces/${workspace}/identity-secret`);
    const hash = createHmac("sha256", secret).update("customer-7").digest("hex");
    html = `<script src="${base}/widget.js"></script><script>
      Frontdesk.init({ agentId: "${demo}", apiKey: "${key}" });
      Frontdesk.identify({ userId: "customer-7", userHash: "${hash}" });
      Frontdesk.open();
    </script>`;
    for (const device of ["desk", "phone"]) {
      const page = await browser.newPage();
      page.setDefaultTimeout(10_000);
      await page.goto(origin);
      if (device === "desk") await ask(page, "How long does delivery take?");
      await page.locator(".user", { hasText: "How long does delivery take?" }).waitFor();
      await page.locator(".chip").first().waitFor();
      await page.close();
    }
  });

  test("sign in to a restricted agent by a mailed code", { skip }, async () => {
    const id = await agent({ visibility: "restricted", name: "Members' help" });
    await api("POST", `/workspaces/${workspace}/agents/${id}/contacts`, { primaryEmail: "member@example.com" });
    const page = await browser.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(`${base}/chat/${id}`);
    await page.getByLabel("E-mail", { exact: true }).fill("member@example.com");
    await page.keyboard.press("Enter");
    await page.getByLabel("Code").waitFor();
    await page.getByLabel("Code").fill(await mailedCode("member@example.com"));
    await page.keyboard.press("Enter");
    await ask(page, "How long does delivery take?");
    await page.close();
  });

  test("attach a file and are answered from it", { skip }, async () => {
    const id = await agent({ visibility: "public", visitors: { attachments: true } });
    html = `<script src="${base}/widget.js" data-agent-id="${id}"></script>`;
    const page = await browser.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(origin);
    await page.locator(".bubble").click();
    const text = "Invoice 4711\n\nThe total amount of this invoice is 512 euros.\n";
    await page.locator("input[type=file]").setInputFiles([{ name: "invoice.txt", mimeType: "text/plain", buffer: Buffer.from(text) }]);
    await page.getByRole("button", { name: "Remove invoice.txt" }).waitFor();
    await ask(page, "What is the total amount of the invoice?");
    assert.match(await page.locator(".agent .text").last().innerText(), /512 euros/);
    await page.locator(".agent .chip", { hasText: "invoice.txt" }).waitFor();
    await screenshot(page, "attached-answer");
    await page.close();
  });
});

/**
 * The code of the newest mail to an address, in the folder where a server without a mail server puts its mails.
 * @param {string} email
 */
async function mailedCode(email) {
  const outbox = process.env.FRONTDESK_OUTBOX ?? "";
  for (let tries = 0; tries < 100; tries++) {
    for (const name of (await readdir(outbox).catch(() => [])).sort().reverse()) {
      const mail = await readFile(`${outbox}/${name}`, "utf8");
      const code = mail.includes(`To: ${email}`) && /Your code is (\d{6})\./.exec(mail);
      if (code) return code[1];
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no mail came to ${email}`);
}
