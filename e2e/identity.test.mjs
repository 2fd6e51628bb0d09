// What people of a business meet before their workspace, on a real server: sign-up, account, second factor, recovery.
// FRONTDESK_URL is the server's base address, FRONTDESK_OUTBOX the folder of its mails.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect, launch, onFreshPage } from "./browser.mjs";

/** @typedef {import("playwright-core").Page} Page */

const base = process.env.FRONTDESK_URL?.replace(/\/+$/, "");
const outbox = process.env.FRONTDESK_OUTBOX;
const skip = base && outbox ? false : "FRONTDESK_URL or FRONTDESK_OUTBOX is not set: there is no server to test or its mails are out of reach";
const PASSWORD = "seven quiet herons wade";

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

/**
 * A test in a browser that knows nothing yet, where every error counts that is not expected.
 * @param {string} name
 * @param {(page: Page) => Promise<void>} body
 */
function visit(name, body) {
  test(name, { skip }, () => onFreshPage(browser, body));
}

/**
 * What follows some words in the newest mail to an address that has them.
 * @param {string} email
 * @param {RegExp} words with one group
 */
async function mailed(email, words) {
  for (let tries = 0; tries < 200; tries++) {
    const files = (await readdir(/** @type {string} */ (outbox)).catch(() => [])).sort().reverse();
    for (const file of files) {
      const mail = (await readFile(`${outbox}/${file}`, "utf8")).replaceAll("=\r\n", "").replaceAll("=3D", "=");
      const found = mail.includes(`To: ${email}`) && words.exec(mail);
      if (found) return found[1];
    }
    await sleep(50);
  }
  throw new Error(`no mail to ${email} has ${words}`);
}

/**
 * The code that an authenticator app shows (RFC 6238).
 * @param {string} secret in base 32
 * @param {number} step
 */
function totp(secret, step) {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const hash = createHmac("sha1", key).update(counter).digest();
  const code = (hash.readUInt32BE(hash[19] & 15) & 0x7fffffff) % 1_000_000;
  return String(code).padStart(6, "0");
}

const step = () => Math.floor(Date.now() / 30_000);

/**
 * @param {Page} page
 * @param {Record<string, string>} fields by label
 * @param {string} button
 */
async function send(page, fields, button) {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByRole("button", { name: button, exact: true }).click();
}

/**
 * Makes an account through the pages.
 * @param {Page} page
 * @param {string} email
 */
async function signUp(page, email) {
  await page.goto(`${base}/console/signup`);
  await send(page, { "Your name": "Ada Lovelace", "Mail address": email, Password: PASSWORD }, "Make the account");
  const code = await mailed(email, /Your code is (\d{6})/);
  await send(page, { Code: code }, "Go on");
  await page.getByRole("heading", { name: "Make a workspace" }).waitFor();
}

/** @param {Page} page */
const focused = (page) => page.evaluate(() => document.activeElement?.id);

visit("a person signs up, and a mistake is told beside what is wrong", async (page) => {
  const email = "signup@example.com";
  await page.goto(`${base}/console/login`);
  await inspect(page, "identity-login");
  await page.getByRole("link", { name: "Make an account" }).click();
  await inspect(page, "identity-signup");
  await send(page, { "Your name": "Ada", "Mail address": email, Password: "password123" }, "Make the account");
  await page.getByRole("alert").waitFor();
  assert.equal(await focused(page), "password");
  assert.match(await page.locator("#password").getAttribute("aria-describedby") ?? "", /\berror\b/);
  await inspect(page, "identity-signup-mistake");
  await send(page, { Password: PASSWORD }, "Make the account");
  await page.getByRole("heading", { name: "Enter the code" }).waitFor();
  await inspect(page, "identity-signup-code");
  await send(page, { Code: "000 000" }, "Go on");
  await page.getByRole("alert").waitFor();
  assert.equal(await focused(page), "otp_code");
  const first = await mailed(email, /Your code is (\d{6})/);
  await page.getByRole("button", { name: "Mail me a new code" }).click();
  await page.getByRole("status").waitFor();
  const second = await mailed(email, new RegExp(`Your code is (?!${first})(\\d{6})`));
  await send(page, { Code: second }, "Go on");
  await page.getByRole("heading", { name: "Make a workspace" }).waitFor();
  await send(page, { Name: "Nordlys" }, "Make the workspace");
  await page.getByRole("link", { name: "Account" }).click();
  await page.getByRole("heading", { name: "Your account" }).waitFor();
  await inspect(page, "identity-account");
});

visit("a second factor is set up, asked for, and switched off", async (page) => {
  const email = "factor@example.com";
  await signUp(page, email);
  await page.goto(`${base}/console/account`);
  const section = page.locator("section", { has: page.locator("#two-factor") });
  await section.getByLabel("Your password").fill("wrong");
  await section.getByRole("button", { name: "Set it up" }).click();
  await section.getByRole("alert").waitFor();
  assert.equal(await focused(page), "two-factor-password");
  await inspect(page, "identity-factor-mistake");
  await section.getByLabel("Your password").fill(PASSWORD);
  await section.getByRole("button", { name: "Set it up" }).click();
  const secret = (await section.locator("code").innerText()).trim();
  await section.getByRole("img", { name: "QR code" }).waitFor();
  await inspect(page, "identity-factor-scan");
  const used = step();
  await send(page, { "The code that the app shows now": totp(secret, used) }, "Switch it on");
  await section.getByText("I have kept them").waitFor();
  const recovery = (await section.locator("code").innerText()).trim().split("\n");
  assert.equal(recovery.length, 10);
  await inspect(page, "identity-factor-codes");
  await page.goto(`${base}/console/account`);
  await inspect(page, "identity-factor-on");

  await page.getByRole("button", { name: "Log out" }).click();
  await send(page, { "Mail address": email, Password: PASSWORD }, "Log in");
  await page.getByLabel("Code", { exact: true }).waitFor();
  assert.equal(await focused(page), "password");
  assert.equal(await page.locator("#password").inputValue(), "");
  await inspect(page, "identity-login-factor");
  await send(page, { Password: PASSWORD, Code: totp(secret, used) }, "Log in");
  await page.getByRole("alert").waitFor(); // each code is good once
  assert.equal(await focused(page), "totp_code");
  await send(page, { Password: PASSWORD, Code: totp(secret, used + 1) }, "Log in");
  await page.getByRole("heading", { name: "Make a workspace" }).waitFor();

  await page.goto(`${base}/console/account`);
  await section.locator("summary").click();
  await section.getByLabel("Your password").fill(PASSWORD);
  await section.getByRole("button", { name: "Yes, switch it off" }).click();
  await page.getByText("Two-factor login is off.").waitFor();
});

visit("a forgotten password is set anew", async (page) => {
  const email = "forgot@example.com";
  await signUp(page, email);
  await page.context().clearCookies();
  await page.goto(`${base}/console/login`);
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await inspect(page, "identity-forgot");
  await send(page, { "Mail address": email }, "Mail me a link");
  await page.getByRole("status").waitFor();
  const token = await mailed(email, /reset\?token=(\w+)/);
  await page.goto(`${base}/console/reset?token=${token}`);
  await page.reload();
  await inspect(page, "identity-reset");
  await send(page, { "New password": "eight quiet herons wade" }, "Set the password");
  await page.getByText("The new password is set.").waitFor();
  await send(page, { "Mail address": email, Password: "eight quiet herons wade" }, "Log in");
  await page.getByRole("heading", { name: "Make a workspace" }).waitFor();
  await page.goto(`${base}/console/reset?token=${token}`);
  await send(page, { "New password": "nine quiet herons wade" }, "Set the password");
  await page.getByRole("link", { name: "Ask for a new link" }).waitFor();
  await inspect(page, "identity-reset-dead");
  await page.goto(`${base}/console/verify?token=unknown`);
  await inspect(page, "identity-verify");
});

visit("somebody is invited, gets a role, and the audit log tells", async (page) => {
  const [owner, guest] = ["owner@example.com", "guest@example.com"];
  await signUp(page, owner);
  await send(page, { Name: "Fjord & Sons" }, "Make the workspace");
  await page.getByRole("link", { name: "People" }).click();
  await send(page, { "Mail address": owner }, "Mail the invitation");
  await page.getByRole("alert").waitFor();
  assert.equal(await focused(page), "email");
  await send(page, { "Mail address": guest }, "Mail the invitation");
  await page.getByRole("status").waitFor();
  await inspect(page, "identity-people");
  const link = await mailed(guest, /(\/console\/invitation\?token=\w+)/);
  await page.goto(base + link);
  await page.getByText("You are logged in as").waitFor();
  await inspect(page, "identity-invitation-other");
  await page.getByRole("button", { name: "Log out" }).click();

  await page.goto(base + link);
  await inspect(page, "identity-invitation");
  await page.getByRole("link", { name: "Make an account" }).click();
  assert.equal(await page.getByLabel("Mail address").inputValue(), guest);
  await send(page, { "Your name": "Grace Hopper", Password: PASSWORD }, "Make the account");
  await page.getByLabel("Code").fill(await mailed(guest, /Your code is (\d{6})/));
  await page.getByRole("button", { name: "Go on" }).click();
  await inspect(page, "identity-invitation-accept");
  await page.getByRole("button", { name: "Accept" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.getByRole("link", { name: "People" }).click();
  await page.getByText("ada", { exact: false }).first().waitFor();
  assert.equal(await page.getByRole("link", { name: "Audit", exact: true }).count(), 0);
  await page.getByRole("button", { name: "Log out" }).click();

  await send(page, { "Mail address": owner, Password: PASSWORD }, "Log in");
  await page.getByRole("link", { name: "People" }).click();
  await page.getByLabel("Role of Grace Hopper", { exact: true }).selectOption("ADMIN");
  await page.getByRole("button", { name: "Change the role of Grace Hopper" }).click();
  await page.getByText("The role is changed.").waitFor();
  await inspect(page, "identity-people-changed");
  await page.getByRole("link", { name: "Audit", exact: true }).click();
  await inspect(page, "identity-audit");
  await send(page, { Action: "member.role_changed" }, "Show");
  await page.getByText("1 entry").waitFor();
});
