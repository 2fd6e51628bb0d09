// A test of the widget against a scripted server: each has a server, a browser context and a page of its own.

import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { StandIn } from "./stand-in.mjs";

/**
 * @typedef {import("playwright-core").Page} Page
 * @typedef {{page: Page, server: StandIn, errors: string[]}} Visit
 */

// Much of a test is waiting, so two run side by side, each with a server and a page of its own.
export const TWO = { concurrency: 2 };

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/**
 * A test with a server and a page of its own.
 * @param {string} name
 * @param {(visit: Visit) => Promise<void>} body
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
export function visit(name, body, options) {
  test(name, async () => {
    const server = await new StandIn().start();
    const context = await browser.newContext({ viewport: { width: 1180, height: 860 }, ...options });
    const page = await context.newPage();
    /** @type {string[]} */
    const errors = [];
    page.on("pageerror", (error) => errors.push(`uncaught: ${error.message}`));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.setDefaultTimeout(8000);
    try {
      await body({ page, server, errors });
    } finally {
      await context.close();
      await server.stop();
    }
  });
}

/** @param {Visit} visit */
export async function openChat({ page, server }, path = "/") {
  await page.goto(server.url + path);
  await page.locator(".bubble").click();
  await page.locator(".compose textarea").waitFor();
}

/**
 * @param {Page} page
 * @param {string} question
 */
export async function ask(page, question) {
  await page.locator(".compose textarea").fill(question);
  await page.keyboard.press("Enter");
}

/** @param {Page} page */
export const lastAnswer = (page) => page.locator(".agent .text").last();

/**
 * @param {Page} page
 * @param {string} text
 */
export const answerWith = (page, text) => page.locator(".agent .text", { hasText: text }).waitFor();
