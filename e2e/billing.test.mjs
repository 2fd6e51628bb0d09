// What a workspace's owner sees of its plan, credits and invoices, on a real server.
// FRONTDESK_URL is the server's base address; FRONTDESK_EMAIL and FRONTDESK_PASSWORD open the demo's workspace.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect, launch, onFreshPage } from "./browser.mjs";

const base = process.env.FRONTDESK_URL?.replace(/\/+$/, "");
const { FRONTDESK_EMAIL: email, FRONTDESK_PASSWORD: password } = process.env;
const skip = base && email && password ? false : "FRONTDESK_URL, FRONTDESK_EMAIL or FRONTDESK_PASSWORD is not set: there is no server to test";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

test("credits are bought, the invoice comes as a file, and the plan is changed", { skip }, () =>
  onFreshPage(browser, async (page) => {
    await page.goto(`${base}/console/login`);
    await page.getByLabel("Mail address").fill(/** @type {string} */ (email));
    await page.getByLabel("Password").fill(/** @type {string} */ (password));
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("link", { name: "Billing", exact: true }).click();
    await page.getByRole("heading", { name: "Enterprise plan" }).waitFor();
    await inspect(page, "billing", true);

    await page.getByLabel("Credits to buy").fill("many");
    await page.getByRole("button", { name: "Buy" }).click();
    await page.getByText("Amount is a whole number of credits").waitFor();
    await page.getByLabel("Credits to buy").fill("1,000");
    await page.getByRole("button", { name: "Buy" }).click();
    await page.getByText("The credits are there.").waitFor();
    await page.getByText("USD 10.00").waitFor();
    const arrives = page.waitForEvent("download");
    await page.getByRole("link", { name: "as PDF" }).click();
    assert.match((await arrives).suggestedFilename(), /^invoice-\d+\.pdf$/);

    await page.getByLabel("Another plan").selectOption("STARTER");
    await page.getByRole("button", { name: "Change the plan" }).click();
    await page.getByText("Starter from").waitFor();
    await inspect(page, "billing-used", true);
    await page.getByLabel("Another plan").selectOption("ENTERPRISE");
    await page.getByRole("button", { name: "Change the plan" }).click();
    await page.getByText("Starter from").waitFor({ state: "detached" });
  }));
