// The body of the card's on-load function: `element`, `props`, `trigger` and `watch` are given.
const EMPTY = { rows: [], hint: "", message: "" };

const root = element.querySelector(".prism-nearest");
const part = (name) => root.querySelector(name);
let value = EMPTY;

function textOf(row) {
  const made = make("div", "text");
  made.append(make("p", "whose", row.name), make("p", "where", row.where));
  if (row.copy) made.append(make("p", "copy", "This is a copy of training music."));
  return made;
}

function buttonOf(row) {
  const made = make("button", "hear", "Hear it");
  made.type = "button";
  made.setAttribute("aria-label", `Hear it: the training music nearest to ${row.name}`);
  made.addEventListener("click", () => wish("hear", { source: row.source }));
  return made;
}

function rowOf(row) {
  const made = make("li", "row");
  made.dataset.source = row.source;
  made.dataset.copy = row.copy;
  made.append(make("span", "overlap", row.overlap), textOf(row));
  if (row.found) made.append(buttonOf(row));
  return made;
}

function show() {
  value = newer(value, props.value);
  for (const name of ["hint", "message"]) part(`.${name}`).textContent = value[name];
  const focused = root.contains(document.activeElement)
    ? document.activeElement.closest(".row")?.dataset.source : "";
  part(".rows").replaceChildren(...value.rows.map(rowOf));
  if (focused) part(`[data-source="${focused}"] .hear`)?.focus();
}

watch("value", show);
show();
