// A form's public page, with and without JavaScript, and on another site's page.
// FRONTDESK_URL is the server's base address, FRONTDESK_EMAIL and FRONTDESK_PASSWORD its owner's.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { inspect, launch, onFreshPage, screenshot } from "./browser.mjs";

const base = process.env.FRONTDESK_URL?.replace(/\/+$/, "");
const skip = base ? false : "FRONTDESK_URL is not set: there is no server to test";

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {{ id: string, url: string, embed_code: string }} */
let form;

/**
 * @param {string} path
 * @param {unknown} [body]
 * @param {string} [token]
 */
async function call(path, body, token) {
  const response = await fetch(`${base}/api/v1/${path}`, {
    method: body ? "POST" : "GET",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const answer = await response.json();
  assert.ok(response.ok, JSON.stringify(answer));
  return answer;
}

before(async () => {
  if (!base) return;
  browser = await launch();
  const { access_token: token, user } = await call("auth/login", { email: process.env.FRONTDESK_EMAIL, password: process.env.FRONTDESK_PASSWORD });
  form = await call(`workspaces/${user.company_id}/agents/${process.env.FRONTDESK_AGENT_ID}/forms`, {
    name: "Ask for a repair",
    description: "Tell us what is broken, and we will write to you.",
    thank_you: "Thank you. We will write to you within two days.",
    fields: [
      { name: "email", label: "Mail address", type: "email", required: true, maps_to: "primaryEmail" },
      { name: "thing", label: "What is it?", type: "select", options: ["Tent", "Stove"], required: true },
      { name: "damage", label: "What is broken?", type: "textarea" },
      { name: "news", label: "Send me news", type: "checkbox" },
    ],
  }, token);
});
after(() => browser?.close());

test("a form is filled in, mended and sent without JavaScript", { skip }, () =>
  onFreshPage(browser, async (page) => {
    await page.goto(form.url);
    await page.getByLabel("Mail address").fill("ada@example");
    await page.getByLabel("What is it?").selectOption("Stove");
    await page.getByLabel("What is broken?").fill("The valve.");
    // Programs are quicker than people.
    await page.waitForTimeout(3100);
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("must be a mail address").waitFor();
    assert.equal(await page.getByLabel("What is broken?").inputValue(), "The valve.", "nothing typed is lost");
    await page.getByLabel("Mail address").fill("ada@example.com");
    await page.waitForTimeout(3100);
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("within two days").waitFor();
    await screenshot(page, "form-sent");
  }, { javaScriptEnabled: false }));

test("a form's page can be read and used by everybody", { skip }, () =>
  onFreshPage(browser, async (page) => {
    await page.goto(form.url);
    await inspect(page, "form", true);
  }));

test("a form stands on another site's page at its own height", { skip }, () =>
  onFreshPage(browser, async (page) => {
    const site = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end(`<!doctype html><title>Site</title><link rel="icon" href="data:,"><h1>Repairs</h1>${form.embed_code}`);
    });
    await new Promise((listening) => site.listen(0, "127.0.0.1", () => listening(undefined)));
    const address = /** @type {import("node:net").AddressInfo} */ (site.address());
    await page.goto(`http://127.0.0.1:${address.port}/`);
    const frame = page.frameLocator("iframe");
    await frame.getByLabel("Mail address").waitFor();
    const spill = () => frame.locator("html").evaluate((html) => html.scrollHeight - window.innerHeight);
    for (let n = 0; n < 40 && (await spill()) > 0; n++) await page.waitForTimeout(50);
    assert.ok((await spill()) <= 0, "the whole form is seen without scrolling in it");
    await screenshot(page, "form-embedded");
    site.close();
  }));
