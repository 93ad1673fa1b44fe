// The book opened from the disk in headless Chromium, without a network, with an eye on everything
// that a page may complain of or ask for.
"use strict";

const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");

const work = process.env.QKV_BROWSER_WORK;
const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 320, height: 640 } };

// What Chromium itself would fetch is switched off: whatever is asked for, the page asks for.
const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
               "--disable-background-networking", "--disable-sync"];

// { page, problems, requests, ... }: `problems` collects errors and warnings of the console and
// exceptions of scripts, `requests` all addresses asked for.
async function open(browser, { file = "book.html", size = "desktop", ...options } = {}) {
  const context = await browser.newContext({ viewport: sizes[size], offline: true, ...options });
  const page = await context.newPage();
  const problems = [], requests = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  const address = pathToFileURL(path.join(work, file)).href;
  await page.goto(address, { waitUntil: "load" });
  return { page, problems, requests, address, close: () => context.close() };
}

// Runs `use` on a browser of its own, and closes it whatever happens.
async function withBrowser(use) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium", chromiumSandbox: false,
    args: quiet });
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
}

module.exports = { open, sizes, withBrowser, work };
