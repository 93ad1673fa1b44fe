// Nothing is cut off, nothing is pale: wide, narrow, on paper, light and dark. Screenshots of all
// are left beside the page.
"use strict";

const assert = require("node:assert");
const path = require("node:path");
const test = require("node:test");
const { open, sizes, withBrowser, work } = require("./browser.js");

// What reaches beyond the window, or beyond an element that neither grows nor scrolls. What can be
// scrolled to, inside of a figure or a listing, is not cut off.
function cutOff() {
  const found = [];
  const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
  const name = (element) =>
    `${element.tagName} "${element.textContent.trim().slice(0, 40)}" in ` +
    `${(element.closest("[id]") || { id: "?" }).id}`;
  if (document.scrollingElement.scrollWidth > window.innerWidth) found.push("the page is too wide");
  for (const element of document.querySelectorAll("body *")) {
    const box = element.getBoundingClientRect();
    if (box.width === 0 || element.closest(".skip, script, title, details:not([open]) > *")) {
      continue;
    }
    let frame = element.parentElement;
    while (frame && !scrolls(frame)) frame = frame.parentElement;
    if (!frame && (box.right > window.innerWidth + 1 || box.left < -1)) {
      found.push(`${name(element)} reaches from ${box.left} to ${box.right}`);
    }
    const style = getComputedStyle(element);
    const formula = element.closest("math") && element.closest(".formula, p.number");
    if (formula) { // boxes are a little higher than their letters
      const room = formula.getBoundingClientRect(), slack = parseFloat(style.fontSize) / 4;
      if (box.top < room.top - slack || box.bottom > room.bottom + slack) {
        found.push(`${name(element)} is cut off above or beneath`);
      }
    }
    if (["hidden", "clip"].includes(style.overflowX) && element.scrollWidth > element.clientWidth) {
      found.push(`${name(element)} is clipped`);
    }
    const svg = element.tagName === "text" && element.closest("svg");
    if (svg) {
      const room = svg.getBoundingClientRect();
      if (box.left < room.left - 1 || box.right > room.right + 1 || box.top < room.top - 1 ||
          box.bottom > room.bottom + 1) {
        found.push(`${name(element)} stands outside of its drawing`);
      }
    }
  }
  return found;
}

// Texts whose contrast with their ground is less than WCAG 2.2 asks for (AA): 4.5 to 1.
function pale() {
  const parse = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const [r, g, b] = parse(color).slice(0, 3).map((value) => {
      const c = value / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor, alpha = parse(color)[3];
      if (alpha === undefined || alpha === 1) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let looked = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest("script, title")) continue;
    const style = getComputedStyle(element);
    const ink = luminance(element.closest("svg") ? style.fill : style.color);
    const paper = luminance(ground(element));
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (contrast < 4.5) found.add(`${element.tagName}.${element.className}: ${contrast}`);
    looked++;
  }
  return { found: [...found], looked };
}

const openAll = () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
};

for (const size of Object.keys(sizes)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`on a ${size}, ${colorScheme}, nothing is cut off or pale`, () =>
      withBrowser(async (browser) => {
        const { page } = await open(browser, { size, colorScheme });
        assert.deepStrictEqual(await page.evaluate(cutOff), []);
        await page.locator("#map-8-1 .cell").first().dispatchEvent("click"); // it says its numbers
        const contrast = await page.evaluate(pale);
        assert.deepStrictEqual(contrast.found, []);
        assert.ok(contrast.looked > 5000, `${contrast.looked} texts`);
        for (const id of ["contents", "chapter-8", "chapter-17", "slider-width"]) {
          await page.locator(`#${id}`).screenshot({
            path: path.join(work, `${size}-${colorScheme}-${id}.png`) });
        }
        await page.evaluate(openAll);
        assert.deepStrictEqual(await page.evaluate(cutOff), []);
      }));
  }
}

test("what is cut off and what is pale would be noticed", () => withBrowser(async (browser) => {
  const { page } = await open(browser, { size: "phone" });
  await page.evaluate(() => {
    const wide = document.createElement("p");
    wide.style.width = "400px";
    wide.style.color = "#bbbbbb";
    wide.textContent = "planted";
    document.querySelector("main").prepend(wide);
    document.querySelector("#map-8-1 svg text").setAttribute("x", "-20");
  });
  const found = await page.evaluate(cutOff);
  assert.ok(found.includes("the page is too wide"), String(found));
  assert.ok(found.some((what) => what.startsWith('P "planted"')), String(found));
  assert.ok(found.some((what) => what.endsWith("outside of its drawing")), String(found));
  assert.strictEqual((await page.evaluate(pale)).found.length, 1);
}));

test("with letters twice as large nothing is cut off", () => withBrowser(async (browser) => {
  for (const size of Object.keys(sizes)) {
    const { page } = await open(browser, { size });
    await page.addStyleTag({ content: "html { font-size: 200%; }" });
    assert.deepStrictEqual(await page.evaluate(cutOff), []);
  }
}));

test("on paper everything is shown and nothing scrolls", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  await page.setViewportSize({ width: 718, height: 1000 }); // A4 within margins of 1 cm
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  const hidden = await page.evaluate(() => ({
    scrolling: [...document.querySelectorAll("pre, .wide, .formula")]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => `${element.closest("[id]").id}: ${element.textContent.slice(0, 60)}`),
    steps: [...document.querySelectorAll(".steps figure")]
      .filter((figure) => figure.getBoundingClientRect().height === 0).length,
    closed: document.querySelectorAll("details:not([open])").length,
  }));
  assert.deepStrictEqual(hidden, { scrolling: [], steps: 0, closed: 0 });
  const pdf = await page.pdf({ format: "A4", path: path.join(work, "book.pdf") });
  assert.ok(pdf.length > 100000);
}));
