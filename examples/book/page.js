// What moves on the page. It can be read without: all maps and tables are there from the start.
//
//   numbers    softmax and how a weight comes about: pure functions
//   maps       a row that is looked at says its numbers, a cell how they come about
//   sliders    training steps, temperature, width
//   theme      dark or light
"use strict";

// ---- numbers ------------------------------------------------------------------------------------

// As the chapters print: four decimals, and no sign on a zero.
function fixed(value, decimals = 4) {
  if (value === null || Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

function softmax(scores) {
  const largest = Math.max(...scores);
  const e = scores.map((score) => Math.exp(score - largest));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / sum);
}

// Row i of a matrix that lies in memory row after row.
function rowOf(numbers, i, columns) {
  return numbers.slice(i * columns, (i + 1) * columns);
}

// A weight of the map from its query and its key, step by step. They must lead to the weight that
// the chapter computed; the caller shows both.
function explain(map, i, j) {
  const d = map.d;
  const q = rowOf(map.q, i, d);
  const scores = map.keys.map((_, key) => {
    const k = rowOf(map.k, key, d);
    return q.reduce((sum, x, c) => sum + x * k[c], 0);
  });
  const scaled = scores.map((score) => score / Math.sqrt(d));
  const exps = scaled.map(Math.exp);
  const sum = exps.reduce((a, b) => a + b, 0);
  return { q, k: rowOf(map.k, j, d), score: scores[j], scaled: scaled[j], exp: exps[j], exps, sum,
           weight: exps[j] / sum };
}

function explainText(map, i, j) {
  const e = explain(map, i, j);
  const products = e.q.map((x, c) => `${fixed(x)} * ${fixed(e.k[c])}`).join(" + ");
  return [
    `q . k = ${products} = ${fixed(e.score)}`,
    `/ sqrt(d) = ${fixed(e.score)} / sqrt(${map.d}) = ${fixed(e.scaled)}`,
    `exp = exp(${fixed(e.scaled)}) = ${fixed(e.exp)}`,
    `/ sum = ${fixed(e.exp)} / (${e.exps.map((x) => fixed(x)).join(" + ")})`,
    `= ${fixed(e.exp)} / ${fixed(e.sum)} = ${fixed(e.weight)}`,
  ].join("\n");
}

// ---- maps ---------------------------------------------------------------------------------------

// Tokens are put in as text, never as HTML, and isolated: they may be written from right to left.
function token(text) {
  const element = document.createElement("bdi");
  element.textContent = text;
  return element;
}

function rowReadout(map, i) {
  const row = rowOf(map.numbers, i, map.keys.length);
  const parts = ["query ", token(map.queries[i]), ": "];
  map.keys.forEach((key, j) => parts.push(j > 0 ? ", " : "", token(key), ` ${fixed(row[j])}`));
  parts.push(`; sum ${fixed(row.reduce((a, b) => a + b, 0))}`);
  return parts;
}

function cellReadout(map, i, j) {
  const weight = fixed(map.numbers[i * map.keys.length + j]);
  const parts = ["query ", token(map.queries[i]), ", key ", token(map.keys[j]), `: ${weight}`];
  return map.q ? [...parts, "\n", explainText(map, i, j)] : parts;
}

// One cell of a map is reached by Tab, the others from there by the arrow keys.
function setUpMap(figure, map) {
  const readout = figure.querySelector(".readout");
  const rows = [...figure.querySelectorAll(".row")];
  const cells = rows.map((row) => [...row.querySelectorAll(".cell")]);
  let opened = null; // the cell whose numbers stay until another row or cell is looked at

  function look(i) {
    rows.forEach((row, r) => row.classList.toggle("looked", r === i));
    if (opened && opened.row === i) return;
    close();
    readout.replaceChildren(...rowReadout(map, i));
  }
  function close() {
    if (opened) opened.cell.classList.remove("looked");
    opened = null;
  }
  function open(i, j) {
    close();
    rows.forEach((row, r) => row.classList.toggle("looked", r === i));
    opened = { row: i, cell: cells[i][j] };
    opened.cell.classList.add("looked");
    readout.replaceChildren(...cellReadout(map, i, j));
  }
  function move(i, j) {
    if (!cells[i] || !cells[i][j]) return;
    for (const row of cells) for (const cell of row) cell.setAttribute("tabindex", "-1");
    cells[i][j].setAttribute("tabindex", "0");
    cells[i][j].focus();
  }
  function press(event, i, j) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.key in steps) {
      const [down, right] = steps[event.key];
      move(i + down, j + right);
    } else if (event.key === "Enter" || event.key === " ") {
      open(i, j);
    } else if (event.key === "Escape") {
      close();
      look(i);
    } else {
      return;
    }
    event.preventDefault();
  }

  rows.forEach((row, i) => {
    row.addEventListener("pointerenter", () => look(i));
    cells[i].forEach((cell, j) => {
      cell.setAttribute("tabindex", i + j === 0 ? "0" : "-1");
      cell.addEventListener("focus", () => look(i));
      cell.addEventListener("click", () => open(i, j));
      cell.addEventListener("keydown", (event) => press(event, i, j));
    });
  });
}

// ---- sliders ------------------------------------------------------------------------------------

// Maps of several training steps: a slider shows one of them.
function setUpSteps(group) {
  const figures = [...group.querySelectorAll("figure")];
  const titles = figures.map((figure) => figure.querySelector("figcaption").textContent);
  const control = document.createElement("p");
  control.className = "control";
  const label = document.createElement("label");
  const input = document.createElement("input");
  const output = document.createElement("output");
  Object.assign(input, { type: "range", min: "0", max: String(figures.length - 1), step: "1" });
  input.value = input.max;
  label.append("training ", input);
  control.append(label, " ", output);
  group.prepend(control);
  function show() {
    const chosen = Number(input.value);
    figures.forEach((figure, i) => { figure.hidden = i !== chosen; });
    output.textContent = titles[chosen];
    input.setAttribute("aria-valuetext", titles[chosen]);
  }
  input.addEventListener("input", show);
  show();
}

// What the sliders of chapters 5 and 9 stand for at a position.
const kSliders = {
  temperature: {
    value: (position) => 10 ** (position / 20), // from 0.1 to 10
    text: (value) => value.toFixed(2),
    shown: (scores) => scores,
    columns: (scores, value) => [softmax(scores.map((score) => score / value))],
  },
  width: {
    value: (position) => 2 ** position, // from 1 to 1024
    text: String,
    shown: (scores, value) => scores.map((score) => score * Math.sqrt(value)),
    columns: (scores, value) => [softmax(scores.map((s) => s * Math.sqrt(value))), softmax(scores)],
  },
};

function setUpSlider(figure, kind, scores) {
  const input = figure.querySelector("input");
  const output = figure.querySelector("output");
  const rows = [...figure.querySelectorAll("tbody tr")];
  const rule = kSliders[kind];
  function show() {
    const value = rule.value(Number(input.value));
    const shown = rule.shown(scores, value);
    const columns = rule.columns(scores, value);
    output.textContent = rule.text(value);
    input.setAttribute("aria-valuetext", rule.text(value));
    rows.forEach((row, i) => {
      row.querySelector(".score").textContent = fixed(shown[i]);
      row.querySelectorAll(".weight").forEach((cell, c) => {
        cell.querySelector(".number").textContent = fixed(columns[c][i]);
        cell.querySelector("meter").value = columns[c][i];
      });
    });
  }
  input.addEventListener("input", show);
  show();
}

// ---- theme --------------------------------------------------------------------------------------

function setUpTheme(button) {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  function say() {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
  }
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    say();
  });
  system.addEventListener("change", say);
  say();
}

// Tables that are closed are printed, too.
function openForPrinting() {
  const closed = [...document.querySelectorAll("details:not([open])")];
  for (const details of closed) details.open = true;
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  }, { once: true });
}

function setUp() {
  const numbers = JSON.parse(document.getElementById("numbers").textContent);
  document.documentElement.classList.add("script");
  for (const [id, map] of Object.entries(numbers.maps)) {
    setUpMap(document.getElementById(id), map);
  }
  for (const group of document.querySelectorAll(".steps")) setUpSteps(group);
  for (const [kind, scores] of Object.entries(numbers.sliders)) {
    const figure = document.getElementById(`slider-${kind}`);
    if (figure) setUpSlider(figure, kind, scores);
  }
  setUpTheme(document.getElementById("theme"));
  window.addEventListener("beforeprint", openForPrinting);
}

if (typeof document !== "undefined") setUp();
if (typeof module !== "undefined") {
  module.exports = { fixed, softmax, explain, explainText, kSliders };
}
