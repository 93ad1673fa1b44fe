// Whoever hears the page rather than seeing it is told the same: everything has a name, headings
// have an order, what changes is announced.
"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { open, withBrowser } = require("./browser.js");

test("each control, drawing and part has a name", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const nameless = await page.evaluate(() => {
    const name = (element) =>
      element.getAttribute("aria-label") ||
      (document.getElementById(element.getAttribute("aria-labelledby")) || {}).textContent ||
      [...(element.labels || [])].map((label) => label.textContent).join("") ||
      (["BUTTON", "A", "SUMMARY"].includes(element.tagName) && element.textContent) || "";
    const all = document.querySelectorAll(
      "button, input, a, summary, svg, nav, article, section, [role], [tabindex='0']");
    return [...all].filter((element) => !name(element).trim())
      .map((element) => element.outerHTML.slice(0, 80));
  });
  assert.deepStrictEqual(nameless, []);
  for (const name of ["temperature", "d"]) {
    assert.strictEqual(await page.getByRole("slider", { name, exact: true }).count(), 1, name);
  }
}));

test("headings have an order, ids are used once, references lead somewhere", () =>
  withBrowser(async (browser) => {
    const { page } = await open(browser);
    const faults = await page.evaluate(() => {
      const found = [], seen = new Set();
      let level = 0;
      for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
        const its = Number(heading.tagName[1]);
        if (its > level + 1) found.push(`h${its} after h${level}: ${heading.textContent}`);
        level = its;
      }
      for (const { id } of document.querySelectorAll("[id]")) {
        if (seen.has(id)) found.push(`id ${id} twice`);
        seen.add(id);
      }
      for (const link of document.querySelectorAll('a[href^="#"]')) {
        if (!seen.has(link.getAttribute("href").slice(1))) found.push(link.outerHTML);
      }
      if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
      if (document.documentElement.lang !== "en") found.push("no language");
      return found;
    });
    assert.deepStrictEqual(faults, []);
  }));

test("what a map or a slider says is announced", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const quiet = await page.locator(".readout:not([aria-live=polite])").count();
  assert.strictEqual(quiet, 0);
  for (const slider of await page.getByRole("slider").all()) {
    assert.ok((await slider.getAttribute("aria-valuetext")).length > 0);
  }
}));
