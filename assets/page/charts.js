// The body of the charts' on-load function: `element`, `props` and `watch` are given.
// The value is a list of blocks, described in prism/ui/charts.py.
const SVG = "http://www.w3.org/2000/svg";
const DASHES = 4;
const TICKS = 4;

const root = element.querySelector(".prism-charts");

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Stretched to whatever room there is; its words stand beside it as text.
function drawing(width, height, ...shapes) {
  const made = shape("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" });
  made.setAttribute("aria-hidden", "true");
  made.append(...shapes);
  return made;
}

const number = (value) =>
  typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: 4 }) : value;

function cell(name, value, head = "") {
  const made = make(name, typeof value === "number" ? "number" : "", number(value));
  made.dataset.head = head;
  return made;
}

function tableOf(head, rows, className = "numbers") {
  const made = make("table", className);
  const top = make("thead", "");
  const body = make("tbody", "");
  const names = make("tr", "");
  head.forEach((text, column) => {
    const name = cell("th", text);
    name.scope = "col";
    if (rows.length && typeof rows[0][column] === "number") name.className = "number";
    names.append(name);
  });
  top.append(names);
  for (const row of rows) {
    const line = make("tr", "");
    line.append(...row.map((value, column) => cell("td", value, head[column])));
    body.append(line);
  }
  made.append(top, body);
  return made;
}

function scrolling(table, label) {
  const made = make("div", "scroll");
  made.tabIndex = 0;
  made.setAttribute("role", "group");
  made.setAttribute("aria-label", label);
  made.append(table);
  return made;
}

function numbersBelow(block, head, rows) {
  const made = make("details", "");
  made.append(make("summary", "", "The numbers"), scrolling(tableOf(head, rows), block.title));
  return made;
}

function ticksBetween(low, high) {
  const rough = (high - low || 1) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((size) => size >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const ticks = [];
  for (let k = first; k * step <= high + step * 1e-9; k += 1) ticks.push(k * step + 0);
  return ticks;
}

function tick(way, share, text) {
  const made = make("span", `tick ${way}`, text);
  made.style[way === "x" ? "left" : "bottom"] = `${100 * share}%`;
  return made;
}

function plotOf(description, ...parts) {
  const made = make("div", "plot");
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", description);
  made.append(...parts);
  return made;
}

function levels(ticks, y) {
  return ticks.map((value) => shape("line", { x1: 0, x2: 100, y1: y(value), y2: y(value) }));
}

function bars(block) {
  const most = Math.max(1, ...block.rows.map((row) => row[1]));
  const made = make("table", "");
  for (const [name, value, source] of block.rows) {
    const line = make("tr", "");
    const head = make("th", "", name);
    const track = make("td", "bar");
    const bar = make("span", source ? `prism-from-${source}` : "");
    head.scope = "row";
    bar.style.width = `${(100 * value) / most}%`;
    track.setAttribute("aria-hidden", "true");
    track.append(bar);
    line.append(head, track, cell("td", value));
    made.append(line);
  }
  made.setAttribute("aria-label", `${block.title}: ${block.unit}`);
  return [made, make("p", "axis", block.unit)];
}

function columns(block) {
  const most = Math.max(1, ...block.rows.map((row) => row[1]));
  const count = block.rows.length;
  const heights = ticksBetween(0, most);
  const y = (value) => 100 - (100 * value) / most;
  const made = block.rows.map(([, value], k) => shape("rect", {
    x: (100 * (k + 0.05)) / count, width: 90 / count, y: y(value), height: 100 - y(value),
  }));
  const names = block.rows.flatMap(([name], k) =>
    block.named.includes(name) ? [tick("x", (k + 0.5) / count, name)] : []);
  return [
    plotOf(
      block.description,
      drawing(100, 100, ...levels(heights, y), ...made),
      ...heights.map((value) => tick("y", value / most, number(value))),
      ...names,
    ),
    make("p", "axis", block.unit),
    numbersBelow(block, ["", block.unit], block.rows),
  ];
}

function keyOf(series) {
  const made = make("p", "key");
  made.append(...series.map((one, k) => {
    const entry = make("span", "");
    const line = shape("line", { x1: 0, x2: 30, y1: 4, y2: 4, "stroke-width": 2.4 });
    line.setAttribute("class", `s${k % DASHES}`);
    entry.append(drawing(30, 8, line), make("span", "", one.name));
    return entry;
  }));
  return made;
}

function lines(block) {
  const points = block.series.flatMap((one) => one.points);
  const right = Math.max(...points.map((point) => point[0]));
  const values = points.map((point) => point[1]);
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  const margin = 0.08 * (highest - lowest || 1);
  const [low, high] = [Math.min(Math.max(0, lowest - margin), lowest), highest + margin];
  const across = (value) => value / right;
  const up = (value) => (value - low) / (high - low);
  const y = (value) => 100 - 100 * up(value);
  const heights = ticksBetween(low, high);
  const curves = block.series.map((one, k) => {
    const path = one.points.map(([a, b]) => `${100 * across(a)},${y(b)}`).join(" ");
    return shape("polyline", { points: path, class: `s${k % DASHES}` });
  });
  const dots = block.series.flatMap((one, k) => one.points.map(([a, b]) => {
    const dot = make("span", `dot s${k % DASHES}`);
    dot.style.left = `${100 * across(a)}%`;
    dot.style.bottom = `${100 * up(b)}%`;
    return dot;
  }));
  const steps = block.series[0].points.map(([a]) => a);
  const rows = steps.map((a, k) => [a, ...block.series.map((one) => one.points[k][1])]);
  return [
    keyOf(block.series),
    plotOf(
      block.description,
      drawing(100, 100, ...levels(heights, y), ...curves),
      ...dots,
      ...heights.map((value) => tick("y", up(value), number(value))),
      ...ticksBetween(0, right).map((value) => tick("x", across(value), number(value))),
    ),
    make("p", "axis", block.unit),
    numbersBelow(block, [block.unit, ...block.series.map((one) => one.name)], rows),
  ];
}

function facts(block) {
  const made = make("dl", "");
  made.append(...block.rows.flatMap(([name, value]) => [
    make("dt", "", name), make("dd", "", value),
  ]));
  return [made];
}

const table = (block) => [
  scrolling(tableOf(block.head, block.rows, block.long ? "long" : "numbers"), block.title),
];

function rolls(block) {
  const made = make("div", "gallery");
  made.append(...block.rolls.map((roll) => {
    const figure = make("figure", "");
    const notes = roll.notes.map(([pitch, start, duration]) => shape("rect", {
      x: start, width: duration, y: 108 - pitch, height: 1,
    }));
    const picture = drawing(roll.beats, 88, ...notes);
    figure.append(picture, make("figcaption", "", roll.caption));
    return figure;
  }));
  return [made];
}

const KINDS = { bars, columns, lines, facts, table, rolls, text: () => [] };

function sectionOf(block) {
  const made = make("section", `block ${block.kind}`);
  made.classList.toggle("narrow", Boolean(block.narrow));
  made.append(make("h3", "", block.title), make("p", "", block.about || ""));
  made.append(...KINDS[block.kind](block));
  return made;
}

function show() {
  const blocks = (props.value || { blocks: [] }).blocks;
  root.dataset.blocks = blocks.length;
  root.replaceChildren(...blocks.map(sectionOf));
}

watch("value", show);
show();
