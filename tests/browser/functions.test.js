// The pure functions of page.js, without a browser, where the page itself does not lead.
"use strict";

const assert = require("node:assert");
const test = require("node:test");
const { fixed, softmax, explain, kSliders } = require("../../examples/book/page.js");

test("numbers are written as the chapters print them", () => {
  const written = [[0.39105, "0.3911"], [-1.2, "-1.2000"], [-0.00001, "0.0000"], [-0, "0.0000"],
                   [null, "nan"], [NaN, "nan"], [Infinity, "inf"], [-Infinity, "-inf"]];
  for (const [number, text] of written) assert.strictEqual(fixed(number), text);
});

test("softmax of large scores is that of their differences", () => {
  assert.deepStrictEqual(softmax([1002, 1001, 1000]), softmax([2, 1, 0]));
  assert.deepStrictEqual(softmax([-2000, -2000]), [0.5, 0.5]);
});

test("a weight is explained from its own query and key, divided by sqrt(d)", () => {
  const map = { keys: ["a", "b", "c"], q: [1, 0, 0, 0, 2, 0, 0, 0], d: 4,
                k: [1, 0, 0, 0, 3, 5, 0, 0, 0, 0, 0, 0] };
  const e = explain(map, 1, 1);
  assert.deepStrictEqual([e.q, e.k, e.score, e.scaled], [[2, 0, 0, 0], [3, 5, 0, 0], 6, 3]);
  assert.deepStrictEqual(e.exps, [Math.exp(1), Math.exp(3), 1]);
  assert.strictEqual(e.weight, e.exp / e.sum);
});

test("sliders go by equal factors from end to end", () => {
  const { temperature, width } = kSliders;
  assert.deepStrictEqual([-20, -10, 0, 10, 20].map((at) => temperature.text(temperature.value(at))),
                         ["0.10", "0.32", "1.00", "3.16", "10.00"]);
  assert.deepStrictEqual([0, 1, 6, 10].map((at) => width.text(width.value(at))),
                         ["1", "2", "64", "1024"]);
});
