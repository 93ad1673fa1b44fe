// What moves on the page does what it should: by the pointer, by the keyboard, by name.
"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { open, withBrowser } = require("./browser.js");

test("a query that is pointed at says its row", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const map = page.locator("#map-8-1"), readout = map.locator(".readout");
  assert.strictEqual(await readout.textContent(), "");
  await map.locator('.row[data-row="0"] text').first().hover();
  assert.strictEqual(await readout.textContent(),
                     "query 1: 1 0.3911, 2 0.2962, 3 0.3127; sum 1.0000");
  await map.locator('.row[data-row="2"] text').first().hover();
  assert.strictEqual(await readout.textContent(),
                     "query 3: 1 0.3731, 2 0.3163, 3 0.3106; sum 1.0000");
  assert.deepStrictEqual(
    await map.locator(".row.looked").evaluateAll((rows) => rows.map((row) => row.dataset.row)),
    ["2"]);
}));

const firstCell = `query 1, key 1: 0.3911
q . k = 1.1800 * 0.8300 + 0.7800 * 0.7100 = 1.5332
/ sqrt(d) = 1.5332 / sqrt(2) = 1.0841
exp = exp(1.0841) = 2.9569
/ sum = 2.9569 / (2.9569 + 2.2395 + 2.3638)
= 2.9569 / 7.5602 = 0.3911`;

test("a clicked cell says how its weight comes about", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const map = page.locator("#map-8-1"), readout = map.locator(".readout");
  const cell = (i, j) => map.locator(`.row[data-row="${i}"] .cell[data-column="${j}"]`);
  const marked = () => map.locator(".cell.looked").evaluateAll((all) => all.map(
    (one) => one.closest(".row").dataset.row + one.dataset.column));
  await cell(0, 0).click();
  assert.strictEqual(await readout.textContent(), firstCell);
  assert.strictEqual(await readout.evaluate((e) => e.innerText), firstCell); // line by line
  await page.mouse.move(0, 0);
  await map.locator('.row[data-row="0"] text').first().hover(); // its row leaves it open
  assert.strictEqual(await readout.textContent(), firstCell);
  assert.deepStrictEqual(await marked(), ["00"]);
  await cell(0, 1).click();
  assert.deepStrictEqual(await marked(), ["01"]);
  await map.locator('.row[data-row="1"] text').first().hover(); // another row closes it
  assert.ok((await readout.textContent()).startsWith("query 2: "));
  assert.deepStrictEqual(await marked(), []);
}));

test("what a row says adds up as its drawing does", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const rows = await page.evaluate(() => [...document.querySelectorAll(".map .row")].map((row) => {
    row.dispatchEvent(new PointerEvent("pointerenter"));
    return [row.closest("figure").querySelector(".readout").textContent.split("; sum ").pop(),
            row.querySelector(".sum").textContent];
  }));
  for (const [said, drawn] of rows) assert.strictEqual(said, drawn);
  assert.ok(rows.some(([, drawn]) => drawn !== "1.0000"), "one that is fully masked, at least");
}));

test("the keyboard does what the pointer does", () => withBrowser(async (browser) => {
  const { page, problems } = await open(browser, { reducedMotion: "reduce" });
  const map = page.locator("#map-8-1"), readout = map.locator(".readout");
  await map.locator('.cell[tabindex="0"]').focus();
  assert.ok((await readout.textContent()).startsWith("query 1: "));
  await page.keyboard.press("Enter");
  assert.strictEqual(await readout.textContent(), firstCell);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  assert.ok((await readout.textContent()).startsWith("query 2: 1 0.3684"));
  await page.keyboard.press(" ");
  assert.ok((await readout.textContent()).startsWith("query 2, key 2: 0.3163\nq . k = "));
  await page.keyboard.press("Escape");
  assert.ok((await readout.textContent()).startsWith("query 2: 1 0.3684"));
  const top = await page.evaluate(() => window.scrollY);
  const edges = [["ArrowRight", "query 2, key 3"], ["ArrowDown", "query 3, key 3"],
                 ["ArrowLeft", "query 3, key 1"], ["ArrowUp", "query 1, key 1"]];
  for (const [key, place] of edges) { // the edge holds
    for (let i = 0; i < 5; ++i) await page.keyboard.press(key);
    const at = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    assert.ok(at.startsWith(place), `${key}: ${at}`);
    assert.strictEqual(await map.locator('.cell[tabindex="0"]').count(), 1); // one stop for Tab
  }
  assert.strictEqual(await page.evaluate(() => window.scrollY), top); // the page stays
  assert.deepStrictEqual(problems, []);
}));

test("each control is reached by Tab alone and shows where it is", () =>
  withBrowser(async (browser) => {
    const { page } = await open(browser);
    const wanted = new Set(["theme", "map-8-1", "slider-temperature", "slider-width"]);
    for (let i = 0; i < 1500 && wanted.size > 0; ++i) {
      await page.keyboard.press("Tab");
      const [ids, outlined] = await page.evaluate(() => {
        const focused = document.activeElement, ids = [];
        for (let e = focused; e; e = e.parentElement) if (e.id) ids.push(e.id);
        const frame = focused.querySelector(".paper") || focused;
        const style = getComputedStyle(frame);
        return [ids, style.outlineStyle !== "none" || parseFloat(style.strokeWidth) >= 2];
      });
      for (const id of ids) {
        if (wanted.delete(id)) assert.ok(outlined, `${id}: nothing shows that it has the focus`);
      }
    }
    assert.deepStrictEqual([...wanted], []);
  }));

test("the steps of the training are shown one at a time", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const steps = page.locator("#chapter-17 .steps"), slider = steps.getByRole("slider");
  const count = await steps.locator("figure").count();
  assert.ok(count >= 3, `${count} maps`);
  assert.ok(await steps.locator("figure").last().isVisible()); // what training has led to
  const maps = new Set(), titles = new Set();
  await slider.focus();
  await page.keyboard.press("Home");
  for (let i = 0; i < count; ++i) {
    const shown = steps.locator("figure:visible");
    assert.strictEqual(await shown.count(), 1);
    const title = await shown.locator("figcaption").textContent();
    assert.strictEqual(await steps.locator("output").textContent(), title);
    assert.strictEqual(await slider.getAttribute("aria-valuetext"), title);
    titles.add(title);
    maps.add(await shown.locator("svg").innerHTML());
    await page.keyboard.press("ArrowRight");
  }
  assert.strictEqual(titles.size, count);
  assert.strictEqual(maps.size, count);
}));

// Weights as exp(score) / sum says, to four decimals.
function weights(scores) {
  const e = scores.map(Math.exp), sum = e.reduce((a, b) => a + b, 0);
  return e.map((x) => (x / sum).toFixed(4));
}

test("temperature flattens and sharpens", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const figure = page.locator("#slider-temperature"), slider = figure.getByRole("slider");
  const shown = () => figure.locator(".weight .number").allTextContents();
  const scores = (await figure.locator(".score").allTextContents()).map(Number);
  assert.deepStrictEqual(await shown(), weights(scores));
  await slider.focus();
  const output = figure.locator("output");
  for (const [key, value] of [["ArrowRight", 10 ** 0.05], ["End", 10], ["Home", 0.1]]) {
    await page.keyboard.press(key);
    assert.deepStrictEqual(await shown(), weights(scores.map((score) => score / value)));
    assert.strictEqual(await output.textContent(), value.toFixed(2));
    assert.strictEqual(await slider.getAttribute("aria-valuetext"), value.toFixed(2));
  }
  assert.strictEqual((await shown())[0], "1.0000");
  const bars = await figure.locator("meter").evaluateAll((all) => all.map((m) => m.value));
  assert.deepStrictEqual(bars.map((bar) => bar.toFixed(4)), await shown());
}));

test("width hardens softmax, but not where it is divided by", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const figure = page.locator("#slider-width"), slider = figure.getByRole("slider");
  const column = async (c) =>
    (await figure.locator(`tbody tr td:nth-child(${c + 2}) .number`).allTextContents());
  await slider.focus();
  await page.keyboard.press("Home");
  assert.strictEqual(await figure.locator("output").textContent(), "1");
  const scores = (await figure.locator(".score").allTextContents()).map(Number);
  assert.deepStrictEqual(await column(0), weights(scores));
  assert.deepStrictEqual(await column(1), weights(scores));
  await page.keyboard.press("End");
  assert.strictEqual(await figure.locator("output").textContent(), "1024");
  assert.strictEqual(await slider.getAttribute("aria-valuetext"), "1024");
  assert.deepStrictEqual((await figure.locator(".score").allTextContents()).map(Number),
                         scores.map((score) => Number((32 * score).toFixed(4))));
  assert.deepStrictEqual(await column(0), weights(scores.map((score) => 32 * score)));
  assert.deepStrictEqual(await column(1), weights(scores));
  const bars = await figure.locator("meter").evaluateAll((all) => all.map((m) => m.value));
  assert.deepStrictEqual(bars.map((bar) => bar.toFixed(4)),
                         await figure.locator(".weight .number").allTextContents());
}));

test("the theme follows the system until the reader chooses", () => withBrowser(async (browser) => {
  const { page } = await open(browser, { colorScheme: "dark" });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  const button = page.getByRole("button", { name: "Use the light theme" });
  await page.emulateMedia({ colorScheme: "light" });
  await page.getByRole("button", { name: "Use the dark theme" }).waitFor(); // light already
  await page.emulateMedia({ colorScheme: "dark" });
  await button.waitFor();
  assert.strictEqual(await button.textContent(), "Light");
  await button.click();
  const light = await paper();
  assert.notStrictEqual(light, dark);
  await page.getByRole("button", { name: "Use the dark theme" }).click();
  assert.strictEqual(await paper(), dark);
  await page.emulateMedia({ colorScheme: "light" });
  assert.strictEqual(await paper(), dark);
}));
