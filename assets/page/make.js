// Stands before the body of every element's on-load function.
function make(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function option(value, text) {
  const made = make("option", "", text);
  made.value = value;
  return made;
}

// Seeds stay short enough to read out to somebody.
const newSeed = () => Math.floor(Math.random() * 100000);

// Who can draw bars, as `prism.models.edits` knows them.
function drawers() {
  return [["prism", "Prism"], ["amt", "AMT"], ["form", "AMT inside Prism's form"]]
    .map(([value, text]) => option(value, text));
}

// Two wishes can overtake one another on their way: the server goes by when each was made.
function wish(name, data, when = performance.now()) {
  trigger(name, { ...data, when });
}

// Answers can overtake one another as well: of two that tell one element, the newer counts.
function newer(shown, value) {
  return value && (value.told || 0) >= (shown.told || 0) ? value : shown;
}

function save(file) {
  const link = make("a", "");
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}
