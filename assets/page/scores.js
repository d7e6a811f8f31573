// The body of the Scores card's on-load function: `element`, `props` and `watch` are given.
const EMPTY = { charts: [], summary: "", hint: "", message: "",
  against: "the real piece", chips: {} };

const root = element.querySelector(".prism-scores");
const part = (name) => root.querySelector(name);
let value = EMPTY;

function scale(ticks) {
  const low = ticks[0].at;
  const high = ticks[ticks.length - 1].at;
  return (value) => (100 * (value - low)) / (high - low);
}

function span(className, from, to) {
  const made = make("span", className);
  made.style.left = `${from}%`;
  made.style.width = `${to - from}%`;
  return made;
}

function at(made, place) {
  made.style.left = `${place}%`;
  return made;
}

function rowOf(row, x) {
  const [least, low, middle, high, most] = row.quantiles.map(x);
  const made = make("div", "row");
  const track = make("div", "track");
  track.append(span("line", least, most), span("bar", low, high), at(make("span", "tick"), middle));
  made.append(make("span", "words", row.words), track);
  return made;
}

function axisOf(ticks, x) {
  const made = make("div", "axis");
  made.append(...ticks.map((tick) => at(make("span", "", tick.text), x(tick.at))));
  return made;
}

// A flag touches its mark and never leaves the chart: it leans inwards near the ends.
function flagOf(mark, x) {
  const made = at(make("span", `flag ${mark.source}`, mark.text), x(mark.at));
  made.style.transform = `translateX(-${x(mark.at)}%)`;
  return made;
}

function marksOf(marks, x) {
  const made = make("div", "marks");
  for (const mark of marks) {
    made.append(at(make("span", `mark ${mark.source}`), x(mark.at)), flagOf(mark, x));
  }
  return made;
}

function pictureOf(chart) {
  const x = scale(chart.ticks);
  const made = make("div", "chart");
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", chart.description);
  made.append(
    make("div", "flags"),
    ...chart.rows.map((row) => rowOf(row, x)),
    axisOf(chart.ticks, x),
    marksOf(chart.marks, x),
  );
  return made;
}

function chartOf(chart) {
  const made = make("section", "network");
  made.append(make("h3", "", chart.title), make("p", "", chart.about), pictureOf(chart));
  made.append(...chart.sentences.map((sentence) => make("p", "said", sentence)));
  return made;
}

function show() {
  value = newer(value, props.value);
  root.dataset.state = value.charts.length ? "ready" : "empty";
  root.dataset.scores = value.charts.length ? value.charts[0].marks.length : 0;
  for (const name of ["hint", "message", "summary"]) part(`.${name}`).textContent = value[name];
  part(".against").textContent = value.against;
  part(".charts").replaceChildren(...value.charts.map(chartOf));
  // The lanes show the scores as well, see player.js.
  root.chips = value.chips;
  document.dispatchEvent(new Event("prism-scored"));
}

watch("value", show);
show();
