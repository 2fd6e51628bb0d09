// What the widget costs a page that only loads it: bytes, requests, and the time that the page's main thread works for it.
//   FRONTDESK_URL=… node load.mjs [rounds]
// Chromium counts the CPU time of the main thread's tasks (CDP's Performance.getMetrics in thread ticks), so other work on
// the machine is not in it. Each round loads a page with the widget and the same page without it, in new contexts and by
// turns; the difference is the widget's. It counts for a second and a half.

import { createServer } from "node:http";
import { loadavg } from "node:os";
import { gzipSync } from "node:zlib";
import { launch } from "./browser.mjs";
import { StandIn, widgetSource } from "./stand-in.mjs";

const rounds = Number(process.argv[2] ?? 15);
const server = await new StandIn().start();
// The greeting comes three seconds later, as it does unless an agent is set otherwise; it is no part of loading.
server.config.behavior.greeting_delay = 3000;
const bare = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(
  '<!doctype html><html lang="en"><head><title>Northwind</title></head><body><main><h1>Northwind outfitters</h1><p>Boots, tents and everything between.</p><button>Add to basket</button></main></body></html>',
));
await new Promise((resolve) => bare.listen(0, "127.0.0.1", () => resolve(undefined)));
const bareUrl = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (bare.address()).port}`;
const browser = await launch();

/**
 * Milliseconds of CPU of the main thread's tasks, and of scripts among them, from the navigation on.
 * @param {string} url
 */
async function load(url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto("about:blank");
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const read = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return (/** @type {string} */ name) => 1000 * (metrics.find((metric) => metric.name === name)?.value ?? 0);
  };
  await page.goto(url);
  // Nothing is asked of the page meanwhile: that would be work of its main thread as well.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const value = await read();
  await context.close();
  return { task: value("TaskDuration"), script: value("ScriptDuration"), layout: value("LayoutDuration") + value("RecalcStyleDuration") };
}

/** @param {number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** @type {Record<"task" | "script" | "layout", number[]>} */
const extra = { task: [], script: [], layout: [] };
/** @type {number[]} */
const alone = [];
for (let round = 0; round <= rounds; round++) {
  const without = await load(bareUrl);
  server.calls = [];
  const withIt = await load(server.url);
  // The first round warms the browser up.
  if (round) alone.push(without.task);
  if (round) for (const name of /** @type {("task" | "script" | "layout")[]} */ (Object.keys(extra))) extra[name].push(withIt[name] - without[name]);
}
const gzip = async (/** @type {"widget.js" | "widget-extras.js"} */ name) => gzipSync(await widgetSource(name), { level: 9 }).length;
console.log(`widget.js ${await gzip("widget.js")} bytes gzip, widget-extras.js ${await gzip("widget-extras.js")}`);
console.log(`calls before it is opened: ${server.calls.length}`);
for (const [name, values] of Object.entries(extra)) {
  console.log(`main thread, ${name}: median ${median(values).toFixed(1)} ms, most ${Math.max(...values).toFixed(1)} ms (${rounds} rounds)`);
}
console.log(`the page alone: median ${median(alone).toFixed(1)} ms`);
console.log(`load average ${loadavg()[0].toFixed(1)}`);
await browser.close();
await server.stop();
bare.close();
