// The browser that the tests drive: Debian's Chromium, one for each test file.

import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";

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
