// What a visitor meets on a real server: the demo page, the share page, the console's door.
// FRONTDESK_URL is the server's base address, FRONTDESK_AGENT_ID the demo's agent.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, screenshot } from "./browser.mjs";

const base = process.env.FRONTDESK_URL?.replace(/\/+$/, "");
const agent = process.env.FRONTDESK_AGENT_ID;
const needsServer = base ? false : "FRONTDESK_URL is not set: there is no server to test";
const needsAgent = needsServer || (agent ? false : "FRONTDESK_AGENT_ID is not set");
const ANSWER = { timeout: 20_000 };
const UNANSWERABLE = process.env.FRONTDESK_UNANSWERABLE ?? "What did the mayor of Ulaanbaatar have for breakfast?";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  if (base) browser = await launch();
});
after(() => browser?.close());

/**
 * Asks the first suggestion and follows its answer to a quoted passage.
 * @param {import("playwright-core").Page} page
 */
async function askSuggested(page) {
  await page.locator(".panel .ask").first().click();
  await page.locator(".agent .chip").first().waitFor(ANSWER);
  const answer = page.locator(".agent .text").last();
  assert.ok((await answer.innerText()).trim().length > 20, "the answer has text");
}

/** @param {import("playwright-core").Page} page */
async function openFirstSource(page) {
  await page.locator(".agent .chip").first().click();
  const quote = page.locator(".passage mark");
  await quote.waitFor();
  assert.ok((await quote.innerText()).trim(), "the source shows the passage it quotes");
}

test("the demo page answers with sources and admits what it does not know", { skip: needsServer }, async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, deviceScaleFactor: 2 });
  await page.goto(`${base}/demo`);
  await page.locator(".bubble").click();
  await askSuggested(page);
  await screenshot(page, "demo-answer");
  await openFirstSource(page);
  await screenshot(page, "demo-source");
  await page.keyboard.press("Escape");

  await page.locator(".compose textarea").fill(UNANSWERABLE);
  await page.keyboard.press("Enter");
  await page.locator(".extra .link", { hasText: "Talk to a person" }).click(ANSWER);
  await page.getByLabel("E-mail", { exact: true }).waitFor();
  assert.equal(await page.locator("form.card textarea").inputValue(), UNANSWERABLE);
  await screenshot(page, "demo-person");
  await page.close();
});

test("the share page is the same conversation without a bubble", { skip: needsAgent }, async () => {
  const page = await browser.newPage();
  await page.goto(`${base}/chat/${agent}`);
  await page.locator("#frontdesk-chat .panel").waitFor();
  assert.equal(await page.locator(".bubble").count(), 0);
  await askSuggested(page);
  await openFirstSource(page);
  await screenshot(page, "demo-share");
  await page.close();
});

test("the console's login page shows a form", { skip: needsServer }, async () => {
  const page = await browser.newPage();
  await page.goto(`${base}/console/login`);
  await page.locator("form input[type=email], form input[name=email]").first().waitFor();
  await page.locator("form input[type=password]").first().waitFor();
  await screenshot(page, "demo-login");
  await page.close();
});
