// Whatever a program says is text: it becomes no element, no script and no attribute, does not
// turn the text around it, and does not widen the page.
"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { open, withBrowser } = require("./browser.js");

const file = "hostile.html";

test("nothing that is said becomes a part of the page", () => withBrowser(async (browser) => {
  const { page, problems, requests } = await open(browser, { file });
  await page.waitForTimeout(200);
  assert.deepStrictEqual(problems, []);
  assert.strictEqual(requests.length, 1);
  assert.strictEqual(await page.evaluate(() => window.planted), undefined);
  const planted = page.locator("img, iframe, object, [onerror], [onmouseover]");
  assert.strictEqual(await planted.count(), 1); // the chart
  assert.ok((await planted.getAttribute("src")).startsWith("data:image/svg+xml,"));
  assert.strictEqual(await page.locator("script").count(), 2); // the numbers, and page.js
}));

test("hostile tokens are shown as they are, in the map and in what it says", () =>
  withBrowser(async (browser) => {
    const { page, problems } = await open(browser, { file });
    const map = page.locator("#map-1-1"), readout = map.locator(".readout");
    const tokens = ['</script><script>window.planted=1</script>',
                    '"><img src=x onerror="window.planted=1">', "\u202e\u05d0\u05d1\u05d2 abc",
                    "x".repeat(300)];
    for (let i = 0; i < tokens.length; ++i) {
      await map.locator(`.row[data-row="${i}"] .cell[data-column="0"]`).click();
      const text = await readout.textContent();
      assert.ok(text.startsWith(`query ${tokens[i]}, key ${tokens[0]}: `), text);
      const row = await map.locator("tbody tr").nth(i).locator("th").textContent();
      assert.strictEqual(row, tokens[i]);
    }
    assert.strictEqual(await page.evaluate(() => window.planted), undefined);
    assert.deepStrictEqual(problems, []);
  }));

test("words from right to left leave the words around them in place", () =>
  withBrowser(async (browser) => {
    const { page } = await open(browser, { file });
    const map = page.locator("#map-1-1");
    await map.locator('.row[data-row="2"] .cell[data-column="0"]').click();
    const [query, key, weight] = await map.locator(".readout").evaluate((readout) => {
      const left = (word) => {
        const walker = document.createTreeWalker(readout, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          const at = walker.currentNode.data.indexOf(word);
          if (at < 0) continue;
          const range = document.createRange();
          range.setStart(walker.currentNode, at);
          range.setEnd(walker.currentNode, at + word.length);
          return range.getBoundingClientRect().left;
        }
        return null;
      };
      return [left("query "), left(", key "), left(": 0.25")];
    });
    assert.ok(query < key && key < weight, `query ${query}, key ${key}, weight ${weight}`);
  }));

test("very long words do not widen the page", () => withBrowser(async (browser) => {
  for (const size of ["desktop", "phone"]) {
    const { page } = await open(browser, { file, size });
    await page.locator('#map-1-1 .row[data-row="3"] .cell').first().click();
    const [content, window_] =
      await page.evaluate(() => [document.scrollingElement.scrollWidth, window.innerWidth]);
    assert.ok(content <= window_, `${content} in ${window_}`);
  }
}));
