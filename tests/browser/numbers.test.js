// The numbers that the page shows are those that the programs print.
"use strict";

const assert = require("node:assert");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const { open, withBrowser } = require("./browser.js");

// 0.3911, -1.2000, 1.0000e+09: numbers with four decimals, as often as they stand in a text.
function numbersIn(text) {
  const counts = new Map();
  const found = text.replaceAll("\u2212", "-").match(/-?\d+\.\d{4}(e[+-]\d+)?(?!\d)/g) || [];
  for (const number of found) counts.set(number, (counts.get(number) || 0) + 1);
  return counts;
}

function missing(printed, shown) {
  return [...printed].filter(([number, times]) => (shown.get(number) || 0) < times)
    .map(([number, times]) => `${number}: ${times} printed, ${shown.get(number) || 0} shown`);
}

// All texts of what a chapter says, apart from one another; a formula is one text.
function textsOf(id) {
  const texts = [];
  for (const said of document.querySelectorAll(`#${id} .said`)) {
    const walker = document.createTreeWalker(said, NodeFilter.SHOW_TEXT);
    let formula = null;
    while (walker.nextNode()) {
      const math = walker.currentNode.parentElement.closest("math");
      if (!math || math !== formula) texts.push(" ");
      texts.push(walker.currentNode.data);
      formula = math;
    }
  }
  return texts.join("");
}

test("every number that a chapter prints stands in the page", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const programs = fs.readdirSync(process.env.QKV_CHAPTERS).sort();
  assert.strictEqual(programs.length, 21);
  let all = 0;
  for (const program of programs) {
    const text = execFileSync(path.join(process.env.QKV_CHAPTERS, program),
                              { encoding: "utf8", stdio: "pipe" });
    // The key to a map's characters is of no use where a map has squares.
    const printed = numbersIn(text.replace(/^rows are queries.*$/gm, ""));
    const said = await page.evaluate(textsOf, `chapter-${Number(program.split("_")[0])}`);
    assert.deepStrictEqual(missing(printed, numbersIn(said)), [], program);
    for (const times of printed.values()) all += times;
  }
  assert.ok(all > 1000, `${all} numbers compared`);
}));

test("a number that is not shown would be noticed", () => {
  assert.deepStrictEqual(missing(numbersIn("0.3911 0.3911 2"), numbersIn("0.3911 0.39112")),
                         ["0.3911: 2 printed, 1 shown"]);
});

test("every cell that explains its weight arrives at it", () => withBrowser(async (browser) => {
  const { page, problems } = await open(browser);
  let cells = 0;
  for (const figure of await page.locator("figure.map").all()) {
    for (const cell of await figure.locator('.cell[role="button"]').all()) {
      const weight = (await cell.getAttribute("aria-label")).split(": ").pop();
      await cell.dispatchEvent("click");
      const readout = await figure.locator(".readout").textContent();
      assert.ok(readout.includes("q . k = "), readout);
      assert.ok(readout.includes(`: ${weight}\n`), readout);
      assert.ok(readout.endsWith(`= ${weight}`), readout);
      cells++;
    }
  }
  assert.ok(cells >= 9, `${cells} cells explain themselves`);
  assert.deepStrictEqual(problems, []);
}));
