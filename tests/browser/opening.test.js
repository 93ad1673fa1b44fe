// The page opens from the disk, asks for nothing, complains of nothing, and is whole.
"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { open, withBrowser } = require("./browser.js");

test("it asks for nothing and complains of nothing", () => withBrowser(async (browser) => {
  for (const colorScheme of ["light", "dark"]) {
    const { page, problems, requests, address } = await open(browser, { colorScheme });
    await page.waitForTimeout(200);
    const outside = requests.filter((url) => url !== address && !url.startsWith("data:"));
    assert.deepStrictEqual(outside, []);
    assert.deepStrictEqual(problems, []);
  }
}));

test("the browser would notice a request and an error", () => withBrowser(async (browser) => {
  const { page, problems, requests } = await open(browser);
  await page.evaluate(() => {
    const image = document.createElement("img");
    image.src = "beside.png";
    document.body.append(image);
    setTimeout(() => { throw new Error("planted"); });
  });
  await page.waitForTimeout(200);
  assert.ok(problems.some((problem) => problem.includes("planted")));
  // The page's own policy forbids the image before it becomes a request: that is a complaint.
  assert.ok(problems.length > 1 || requests.length > 1);
}));

test("every link of the contents leads to its chapter", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const links = await page.locator("#contents a").all();
  assert.ok(links.length >= 22, `${links.length} links`);
  for (const link of links) {
    const target = (await link.getAttribute("href")).slice(1);
    await link.click();
    assert.strictEqual(await page.evaluate(() => decodeURIComponent(location.hash)), `#${target}`);
    const top = await page.evaluate(async (id) => {
      await new Promise((done) => { setTimeout(done, 50); });
      const element = document.getElementById(id);
      element.scrollIntoView({ behavior: "instant" });
      return element.getBoundingClientRect().top;
    }, target);
    assert.ok(top < 900, `${target} is at ${top}`);
  }
}));

test("charts are drawn, each from its own address", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const charts = await page.locator(".plot img").evaluateAll((images) => images.map((image) => (
    { width: image.naturalWidth, alt: image.alt, inside: image.src.startsWith("data:image/") })));
  assert.ok(charts.length >= 4, `${charts.length} charts`);
  for (const { width, alt, inside } of charts) assert.ok(width === 480 && alt && inside, alt);
}));

test("formulas are set as mathematics", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const heights = await page.evaluate(() => {
    const all = [...document.querySelectorAll(".formula math")];
    return { all: all.length, none: all.filter((m) => m.getBoundingClientRect().height < 5).length,
             fractions: document.querySelectorAll("mfrac, msqrt, munder, msub").length };
  });
  assert.ok(heights.all > 40);
  assert.strictEqual(heights.none, 0);
  assert.ok(heights.fractions > 20);
}));

test("it can be read without scripts", () => withBrowser(async (browser) => {
  const { page } = await open(browser, { javaScriptEnabled: false });
  assert.strictEqual(await page.locator("article.chapter").count(), 21);
  assert.strictEqual(await page.locator(".control >> visible=true").count(), 0);
  assert.ok(await page.locator("#map-8-1 svg").isVisible());
}));
