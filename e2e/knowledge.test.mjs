// How people of a business work with what their agents know, on a real server: pasting, reading, searching, deleting.
// FRONTDESK_URL is the base address of a server that may crawl this machine; FRONTDESK_EMAIL and FRONTDESK_PASSWORD
// open the demo's workspace.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { inspect, launch, onFreshPage } from "./browser.mjs";

/** @typedef {import("playwright-core").Page} Page */

const base = process.env.FRONTDESK_URL?.replace(/\/+$/, "");
const { FRONTDESK_EMAIL: email, FRONTDESK_PASSWORD: password } = process.env;
const skip = base && email && password ? false : "FRONTDESK_URL, FRONTDESK_EMAIL or FRONTDESK_PASSWORD is not set: there is no server to test";
const READ = { timeout: 30_000 };

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

/**
 * A test by the demo's owner, who begins at the documents; every error counts that is not expected.
 * @param {string} name
 * @param {(page: Page) => Promise<void>} body
 * @param {{ javaScriptEnabled?: boolean }} [options]
 */
function visit(name, body, options = {}) {
  test(name, { skip }, async () => {
    const asOwner = async (/** @type {Page} */ page) => {
      await page.goto(`${base}/console/login`);
      await page.getByLabel("Mail address").fill(/** @type {string} */ (email));
      await page.getByLabel("Password").fill(/** @type {string} */ (password));
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByRole("link", { name: "Documents", exact: true }).click();
      await page.getByRole("heading", { name: "Documents", exact: true }).waitFor();
      await body(page);
    };
    await onFreshPage(browser, asOwner, options);
  });
}

/**
 * Waits until a row of the list says a word; the script swaps it, nobody reloads.
 * @param {Page} page
 * @param {string} title
 * @param {string} status
 */
async function becomes(page, title, status) {
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: title, exact: true }) });
  await row.getByText(status, { exact: true }).waitFor(READ);
  return row;
}

/** @param {Page} page */
const focused = (page) => page.evaluate(() => document.activeElement?.id);

/**
 * Goes on by the Tab key until the cursor is on what has this name.
 * @param {Page} page
 * @param {string} name
 */
async function tabTo(page, name) {
  for (let steps = 0; steps < 80; steps++) {
    await page.keyboard.press("Tab");
    const here = await page.evaluate(() => {
      const element = /** @type {any} */ (document.activeElement);
      return (element?.getAttribute("aria-label") ?? element?.labels?.[0]?.textContent ?? element?.textContent ?? "").trim();
    });
    if (here === name) return;
  }
  throw new Error(`the Tab key does not lead to ${name}`);
}

visit("an answer is pasted, found, looked into, renamed and deleted", async (page) => {
  const question = "Do you engrave spoons on Sundays?";
  await inspect(page, "knowledge-documents", true);
  await page.getByText("Question and answer", { exact: true }).click();
  await page.getByLabel("Question", { exact: true }).fill(question);
  await page.getByLabel("Answer", { exact: true }).fill("Yes, our engraver works on Sundays from noon. A spoon takes an hour.");
  await inspect(page, "knowledge-documents-answer", true);
  await page.getByRole("button", { name: "Add the answer" }).click();
  await page.getByText("One document has arrived and is being read.").waitFor();
  await becomes(page, question, "Ready");

  await page.getByRole("link", { name: "Search", exact: true }).click();
  await inspect(page, "knowledge-search-empty", true);
  await page.getByLabel("Question", { exact: true }).fill("engraving a spoon on a Sunday");
  await page.getByRole("button", { name: "Search" }).click();
  const first = page.getByRole("main").getByRole("listitem").first();
  await first.getByText("our engraver works on Sundays").waitFor(READ);
  const score = Number(await first.getByRole("meter", { name: "Score" }).getAttribute("value"));
  assert.ok(score > 0 && score <= 1, `a score of ${score}`);
  assert.equal(await first.getByRole("meter").count(), 3);
  await inspect(page, "knowledge-search", true);

  await first.getByRole("link", { name: question }).click();
  await page.getByRole("heading", { name: question, level: 1 }).waitFor();
  await page.locator("#wanted").waitFor();
  await page.locator("#understood").getByText("our engraver works on Sundays").waitFor();
  await inspect(page, "knowledge-document", true);
  await page.getByLabel("Title").fill("Engraving on Sundays");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Engraving on Sundays", level: 1 }).waitFor();
  await page.locator("#state").getByText("Ready", { exact: true }).waitFor(READ);
  await page.getByText("Delete", { exact: true }).click();
  await page.getByRole("button", { name: "Yes, delete it" }).click();
  await page.getByText("The document and everything read from it is gone.").waitFor();
  assert.equal(await page.getByRole("link", { name: "Engraving on Sundays" }).count(), 0);
});

visit("a text has versions, and a former one answers again, by the keyboard alone", async (page) => {
  const title = "Workshop hours";
  const paste = async (/** @type {string} */ content) => {
    await tabTo(page, "Paste a text");
    await page.keyboard.press("Enter");
    await tabTo(page, "Title");
    await page.keyboard.type(title);
    await tabTo(page, "Written as");
    await page.keyboard.press("ArrowDown");
    await tabTo(page, "Text");
    await page.keyboard.insertText(content);
    await tabTo(page, "Add the text");
    await page.keyboard.press("Enter");
    await page.getByRole("status").first().waitFor();
  };
  await paste("# Hours\n\n## Winter\n\nOpen from ten to four.\n\n| Day | Until |\n|---|---|\n| Friday | three |\n");
  await becomes(page, title, "Ready");
  await paste("# Hours\n\n## Winter\n\nOpen from nine to five.\n");
  await page.getByText("gets a new version", { exact: false }).waitFor();
  await becomes(page, title, "Ready");
  await tabTo(page, title);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: title, level: 1 }).waitFor();
  await page.locator("#understood").getByText("Open from nine to five.").waitFor();
  await tabTo(page, "Show what was understood of version 1");
  await page.keyboard.press("Enter");
  await page.locator("#understood").getByText("Open from ten to four.").waitFor();
  await page.locator("#understood").getByText("Hours > Winter").first().waitFor();
  await page.locator("#understood").getByText("row 1").waitFor();
  await inspect(page, "knowledge-document-version", true);
  await tabTo(page, "Make this one answer again: version 1");
  await page.keyboard.press("Enter");
  await page.locator("#versions").getByRole("row", { name: /^Version 1 Answers/ }).waitFor(READ);
  await page.locator("#understood").getByText("Open from ten to four.").waitFor();

  await tabTo(page, "Delete");
  await page.keyboard.press("Enter");
  await tabTo(page, "Yes, delete it");
  await page.keyboard.press("Enter");
  await page.getByText("The document and everything read from it is gone.").waitFor();
});

visit("a mistake is told in its form, with what was typed", async (page) => {
  await page.getByText("Paste a text", { exact: true }).click();
  await page.getByLabel("Title", { exact: true }).first().fill("Nothing in it");
  await page.getByLabel("Written as").selectOption("faq");
  await page.getByLabel("Text", { exact: true }).fill("No question here.");
  await page.getByRole("button", { name: "Add the text" }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await focused(page), "content");
  assert.equal(await page.getByLabel("Text", { exact: true }).inputValue(), "No question here.");
  await inspect(page, "knowledge-documents-mistake", true);
});

visit("a collection is made, described and deleted", async (page) => {
  await page.getByRole("link", { name: "Collections", exact: true }).click();
  await page.getByLabel("Name", { exact: true }).last().fill("Workshop");
  await page.getByRole("button", { name: "Make a collection" }).click();
  await page.getByText("The collection is made.").waitFor();
  await page.getByLabel("Collection", { exact: true }).first().selectOption({ label: "Workshop (0)" });
  await page.getByLabel("Files").setInputFiles({ name: "tools.md", mimeType: "text/markdown", buffer: Buffer.from("# Tools\n\nA lathe.") });
  await page.getByRole("button", { name: "Upload" }).click();
  await becomes(page, "tools.md", "Ready");
  await page.getByRole("link", { name: "Collections", exact: true }).click();
  await page.getByLabel("Change Workshop").click();
  await inspect(page, "knowledge-collections", true);
  const row = page.getByRole("row").filter({ has: page.getByLabel("Change Workshop") });
  await row.getByLabel("Description").fill("What stands in the workshop.");
  await row.getByRole("button", { name: "Save" }).click();
  await page.getByText("What stands in the workshop.").first().waitFor();
  await page.getByLabel("Delete Workshop").click();
  await row.getByLabel("Its 1 document goes as well").check();
  await inspect(page, "knowledge-collections-delete", true);
  await row.getByRole("button", { name: "Yes, delete it" }).click();
  await page.getByText("The collection is gone.").waitFor();
  assert.equal(await page.getByLabel("Change Workshop").count(), 0);
});

/** The pages of a website: one of them is broken, one is never linked. */
const PAGES = {
  "/": "<h1>Spoon museum</h1><p>Our museum shows four hundred spoons.</p><a href='/visit'>Visit</a> <a href='/broken'>Broken</a>",
  "/visit": "<h1>Visit us</h1><p>The spoon museum is open from Tuesday to Saturday.</p><a href='/'>Home</a>",
};

/** A website on this machine; gives its address and how to close it. */
async function openWebsite() {
  const server = createServer((request, response) => {
    const body = Reflect.get(PAGES, request.url ?? "");
    const status = body ? 200 : request.url === "/broken" ? 403 : 404;
    response.writeHead(status, { "content-type": "text/html; charset=utf-8" });
    response.end(`<!doctype html><html lang="en"><title>${/<h1>(.*)<\/h1>/.exec(body ?? "")?.[1] ?? "Nothing"}</title><body><main>${body ?? "No."}</main></body></html>`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

visit("a website is read, and its crawl tells how it went", async (page) => {
  const website = await openWebsite();
  try {
    await page.getByRole("link", { name: "Crawls", exact: true }).click();
    await inspect(page, "knowledge-crawls-empty", true);
    await page.getByRole("link", { name: "Crawl a website" }).click();
    await page.getByLabel("Address").fill("ftp://docs.example.com");
    await page.getByLabel("Not these pages").fill("/blog/*");
    await page.getByRole("button", { name: "Read the website" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await focused(page), "url");
    assert.equal(await page.getByLabel("Not these pages").inputValue(), "/blog/*");
    await inspect(page, "knowledge-crawl-mistake", true);
    await page.getByLabel("Address").fill(website.url);
    await page.getByRole("button", { name: "Read the website" }).click();
    await page.getByText("The website is being read").waitFor();
    await page.locator("#state").getByText("Done", { exact: true }).waitFor(READ);
    const figure = (/** @type {string} */ name) => page.locator(".figures div", { hasText: name }).locator("dd").innerText();
    assert.deepEqual([await figure("New"), await figure("Failed")], ["2", "1"]);
    await page.locator("#failed").getByText(`${website.url}broken`).waitFor();
    await inspect(page, "knowledge-crawl", true);
    await page.getByLabel("Pages at most").fill("12");
    await page.getByLabel("Read it again", { exact: true }).selectOption("week");
    await page.getByRole("button", { name: "Save the settings" }).click();
    await page.getByText("The changes are saved.").waitFor();
    await page.getByText("The next run is due").waitFor();

    await page.getByRole("link", { name: "Crawls", exact: true }).first().click();
    await inspect(page, "knowledge-crawls", true);
    await page.getByRole("link", { name: website.url }).click();
    await page.getByRole("button", { name: "Read it again now" }).click();
    await page.locator("#state").getByText("Done", { exact: true }).waitFor(READ);
    assert.deepEqual([await figure("New"), await figure("As before")], ["0", "2"]);

    await page.getByRole("link", { name: "Documents", exact: true }).first().click();
    await page.getByRole("searchbox", { name: "Title" }).fill("visit");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByRole("link", { name: "Visit us" }).click();
    const source = page.getByRole("link", { name: `${website.url}visit` });
    assert.equal(await source.getAttribute("rel"), "noopener noreferrer");
    await inspect(page, "knowledge-document-web", true);

    await page.getByRole("link", { name: "Crawls", exact: true }).click();
    await page.getByRole("link", { name: website.url }).click();
    await page.getByText("Delete this crawl").click();
    await page.getByLabel("Its documents go as well").check();
    await page.getByRole("button", { name: "Yes, delete it" }).click();
    await page.getByText("The crawl and its documents are gone.").waitFor();
  } finally {
    website.close();
  }
});

visit("without a script, knowledge is pasted and searched as well", async (page) => {
  const question = "Is there a night bell?";
  await page.getByText("Question and answer", { exact: true }).click();
  await page.getByLabel("Question", { exact: true }).fill(question);
  await page.getByLabel("Answer", { exact: true }).fill("The night bell is beside the blue door.");
  await page.getByRole("button", { name: "Add the answer" }).click();
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: question }) });
  for (let tries = 0; !(await row.getByText("Ready").count()); tries++) {
    assert.ok(tries < 100, "it is read");
    await page.reload();
  }
  await page.getByRole("link", { name: "Search", exact: true }).click();
  await page.getByLabel("Question", { exact: true }).fill("night bell");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("beside the blue door").first().waitFor();
  await page.getByRole("link", { name: question }).first().click();
  await page.getByText("Delete", { exact: true }).click();
  await page.getByRole("button", { name: "Yes, delete it" }).click();
  await page.getByText("The document and everything read from it is gone.").waitFor();
}, { javaScriptEnabled: false });
