// The body of the list's on-load function: `element`, `props`, `trigger` and `watch` are given.
const PAGE = 10;
const ALL = -1;
// The columns of a piece, as prism/ui/corpus.py writes them.
const [TITLE, LABEL, SPLIT, BARS, BEATS, METRE, TEMPO, FILE, TERMS] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const ORDERS = [
  ["Title", TITLE], ["Composer or collection", LABEL], ["Length in beats", BEATS],
  ["Number of bars", BARS], ["Time signature", METRE], ["Tempo", TEMPO],
  ["Split", SPLIT], ["File", FILE], ["Terms", TERMS],
];

const root = element.querySelector(".prism-corpus");
const part = (name) => root.querySelector(name);
let labels = [];
let splits = [];
let terms = [];
let pieces = []; // rows with their place in the corpus, and what a search looks into
let first = 0; // of the page shown, among those found
let chosen = ALL;

// As most keyboards write it: no accents, no German s, one kind of apostrophe.
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase()
  .replaceAll("ß", "ss").replaceAll("’", "'");

// Composers and splits are numbers here, in the order in which the page names them.
function before(a, b, column) {
  const [x, y] = [a.row[column], b.row[column]];
  if (typeof x === "number") return x - y;
  return x.localeCompare(y, "en", { numeric: true, ignorePunctuation: true });
}

function found() {
  const of = Number(part(".of").value);
  const words = plain(part(".words").value).split(/\s+/).filter(Boolean);
  const column = Number(part(".order").value);
  const kept = pieces.filter((piece) =>
    (of === ALL || piece.row[LABEL] === of) && words.every((word) => piece.text.includes(word)));
  kept.sort((a, b) => before(a, b, column) || before(a, b, TITLE) || a.place - b.place);
  return part(".turn").getAttribute("aria-pressed") === "true" ? kept.reverse() : kept;
}

function choose(place) {
  chosen = place;
  for (const button of root.querySelectorAll(".piece")) mark(button);
  wish("choose", { piece: place });
}

function mark(button) {
  if (Number(button.dataset.place) === chosen) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}

function lineOf({ row, place }) {
  const made = make("li", "");
  const button = make("button", "piece");
  const bars = `${row[BARS]} bar${row[BARS] === 1 ? "" : "s"}`;
  // The terms are a chosen piece's; in the list they only show what it is sorted by.
  const byTerms = Number(part(".order").value) === TERMS;
  const size = [labels[row[LABEL]], bars, `${row[BEATS]} beats`, `${row[METRE]} at ${row[TEMPO]}`,
    splits[row[SPLIT]]];
  button.type = "button";
  button.dataset.place = place;
  button.append(
    make("span", "title", row[TITLE]),
    make("span", "size", size.join(" · ")),
    make("span", "where", byTerms ? terms[row[TERMS]] : row[FILE]),
  );
  button.addEventListener("click", () => choose(place));
  mark(button);
  made.append(button);
  return made;
}

function draw() {
  const kept = found();
  first = Math.min(first, Math.max(0, kept.length - 1));
  first -= first % PAGE;
  const shown = kept.slice(first, first + PAGE);
  const all = kept.length.toLocaleString("en");
  part(".count").textContent = kept.length
    ? `${first + 1} to ${first + shown.length} of ${all} pieces. Choose one to hear it.`
    : pieces.length ? "No piece matches. Try fewer letters, or all composers." : "";
  part(".pieces").replaceChildren(...shown.map(lineOf));
  part(".pages").hidden = kept.length <= PAGE;
  part(".back").disabled = first === 0;
  part(".next").disabled = first + PAGE >= kept.length;
}

function turnTo(start) {
  first = Math.max(0, start);
  draw();
}

function show() {
  const value = props.value || { labels: [], splits: [], terms: [], pieces: "[]" };
  const before = part(".of").value;
  ({ labels, splits, terms } = value);
  pieces = JSON.parse(value.pieces).map((row, place) => ({
    row, place, text: plain(`${row[TITLE]} ${row[FILE]} ${labels[row[LABEL]]}`),
  }));
  part(".of").replaceChildren(
    option(ALL, "All of them"), ...labels.map((label, k) => option(k, label)),
  );
  if (before) part(".of").value = before;
  root.dataset.pieces = pieces.length;
  draw();
}

part(".order").replaceChildren(...ORDERS.map(([text, column]) => option(column, text)));
for (const name of [".of", ".order"]) part(name).addEventListener("change", () => turnTo(0));
part(".words").addEventListener("input", () => turnTo(0));
part(".turn").addEventListener("click", () => {
  const turned = part(".turn").getAttribute("aria-pressed") === "true";
  part(".turn").setAttribute("aria-pressed", String(!turned));
  turnTo(0);
});
part(".back").addEventListener("click", () => turnTo(first - PAGE));
part(".next").addEventListener("click", () => turnTo(first + PAGE));
watch("value", show);
show();
