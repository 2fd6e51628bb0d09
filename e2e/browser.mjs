// The browser that the tests drive: Debian's Chromium, one for each test file.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
export const SIZES = { wide: { width: 1280, height: 860 }, narrow: { width: 390, height: 844 } };
const ARTIFACTS = new URL("./artifacts/", import.meta.url);

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
  });
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name
 * @param {boolean} [fullPage] what is below as well
 */
export async function screenshot(page, name, fullPage = false) {
  mkdirSync(ARTIFACTS, { recursive: true });
  await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
  await page.screenshot({ path: new URL(`${name}.png`, ARTIFACTS).pathname, animations: "disabled", fullPage });
}

/**
 * Has a page of a browser that knows nothing yet, where every error counts that is not expected.
 * @param {import("playwright-core").Browser} browser
 * @param {(page: import("playwright-core").Page) => Promise<void>} body
 * @param {{ javaScriptEnabled?: boolean }} [options]
 */
export async function onFreshPage(browser, body, options = {}) {
  const context = await browser.newContext({ viewport: SIZES.wide, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(8000);
  /** @type {string[]} */
  const errors = [];
  page.on("pageerror", (error) => errors.push(`uncaught: ${error.message}`));
  // A form with an error in it comes with a status that the console of the browser repeats.
  page.on("console", (message) => message.type() === "error" && !/status of 4\d\d/.test(message.text()) && errors.push(message.text()));
  try {
    await body(page);
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
  }
}

/**
 * Looks at the page in both widths and both colours: nothing for axe, nothing that sticks out.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 * @param {boolean} [fullPage] what is below in the screenshot as well
 */
export async function inspect(page, name, fullPage = false) {
  await page.evaluate(await readFile(axe, "utf8"));
  for (const [width, size] of Object.entries(SIZES)) {
    await page.setViewportSize(size);
    for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
      await page.emulateMedia({ colorScheme });
      const violations = await page.evaluate(async () => {
        const results = await Reflect.get(window, "axe").run(document, { resultTypes: ["violations"] });
        return results.violations.map((/** @type {any} */ violation) => `${violation.id}: ${violation.nodes.map((/** @type {any} */ node) => `${node.target} ${node.failureSummary}`)}`);
      });
      assert.deepEqual(violations, [], `${name}, ${width}, ${colorScheme}`);
    }
    const spill = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(spill <= 0, `${name}, ${width}: ${spill} pixels stick out`);
    await screenshot(page, `${name}-${width}`, fullPage);
  }
  await page.setViewportSize(SIZES.wide);
}
