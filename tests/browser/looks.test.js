// What CSS alone decides: colours in both themes, what is printed, what stands where.
"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { open, withBrowser } = require("./browser.js");

// The names of all colours, and what they are now.
function colours() {
  const names = new Set();
  for (const { style } of document.styleSheets[0].cssRules) {
    for (const name of style || []) if (name.startsWith("--")) names.add(name);
  }
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries([...names].map((name) => [name, style.getPropertyValue(name)]));
}

// WCAG 2.2, 1.4.11: drawings and frames need a contrast of 3 to 1.
function contrast(one, other) {
  const luminance = (color) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const c = parseInt(color.slice(at, at + 2), 16) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

test("dark is the same by the system and by the button, and so is light", () =>
  withBrowser(async (browser) => {
    const found = { dark: [], light: [] };
    for (const colorScheme of ["dark", "light"]) {
      const { page } = await open(browser, { colorScheme });
      found[colorScheme].push(await page.evaluate(colours));
      await page.locator("#theme").click();
      found[colorScheme === "dark" ? "light" : "dark"].push(await page.evaluate(colours));
    }
    assert.ok(Object.keys(found.dark[0]).length >= 10);
    assert.deepStrictEqual(found.dark[0], found.dark[1]);
    assert.deepStrictEqual(found.light[0], found.light[1]);
    for (const [one] of Object.values(found)) {
      for (const drawn of ["--shade", "--mark"]) {
        for (const ground of ["--paper", "--panel"]) {
          const its = contrast(one[drawn], one[ground]);
          assert.ok(its >= 3, `${drawn} on ${ground}: ${its}`);
        }
      }
    }
  }));

test("paper is white, whatever the theme, and gives back what was closed", () =>
  withBrowser(async (browser) => {
    const { page } = await open(browser, { colorScheme: "dark" });
    for (const clicks of [0, 1, 2]) {
      if (clicks > 0) await page.locator("#theme").click();
      await page.emulateMedia({ media: "print" });
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.strictEqual(ground, "rgb(255, 255, 255)");
      assert.strictEqual(await page.locator(".control >> visible=true").count(), 0);
      const shade = await page.locator(".shade").first()
        .evaluate((square) => getComputedStyle(square).printColorAdjust);
      assert.strictEqual(shade, "exact"); // else browsers leave squares out to save ink
      await page.emulateMedia({ media: "screen" });
    }
    const closed = () => page.locator("details:not([open])").count();
    const before = await closed();
    await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
    assert.strictEqual(await closed(), 0);
    await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
    assert.strictEqual(await closed(), before);
  }));

test("the first Tab shows the way to the text", () => withBrowser(async (browser) => {
  const { page } = await open(browser);
  const skip = page.locator(".skip");
  const left = async () => (await skip.boundingBox()).x;
  assert.ok(await left() < -100);
  await page.keyboard.press("Tab");
  assert.ok(await left() >= 0);
  await page.keyboard.press("Enter");
  assert.strictEqual(await page.evaluate(() => document.activeElement.id), "text");
}));

test("whoever wants no motion gets none", () => withBrowser(async (browser) => {
  for (const [reducedMotion, expected] of [["reduce", "auto"], ["no-preference", "smooth"]]) {
    const { page } = await open(browser, { reducedMotion });
    const found =
      await page.evaluate(() => getComputedStyle(document.documentElement).scrollBehavior);
    assert.strictEqual(found, expected);
  }
}));

test("a desktop has the source beside what it says, of 100 columns or more", () =>
  withBrowser(async (browser) => {
    const { page } = await open(browser);
    const faults = await page.evaluate(() => {
      const found = [];
      for (const pair of document.querySelectorAll(".pair")) {
        const said = pair.children[0].getBoundingClientRect(), source = pair.children[1];
        if (source.getBoundingClientRect().left < said.right) found.push("not beside");
        if (source.scrollWidth > source.clientWidth) found.push(source.textContent.slice(0, 60));
      }
      return found;
    });
    assert.deepStrictEqual(faults, []);
  }));

test("a map is drawn as large as it was made, or scrolls", () => withBrowser(async (browser) => {
  for (const [size, share] of [["desktop", 1], ["phone", 0.66]]) {
    const { page } = await open(browser, { size });
    const shares = await page.locator("svg:visible").evaluateAll((all) => all.map((svg) => {
      const room = svg.parentElement;
      const scrolls = getComputedStyle(room).overflowX === "auto" && room.tabIndex === 0;
      return [svg.getBoundingClientRect().width / Number(svg.getAttribute("width")),
              scrolls || room.scrollWidth <= room.clientWidth];
    }));
    for (const [its, reachable] of shares) assert.ok(its >= share && reachable, `${size}: ${its}`);
  }
}));
