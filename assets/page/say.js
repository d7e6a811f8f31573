// The body of the line's on-load function: `element`, `props`, `trigger` and `watch` are given.
const root = element.querySelector(".prism-say");
const words = root.querySelector(".words");
const chips = root.querySelector(".chips");

function chipOf({ text, title, unused }) {
  const made = make("li", unused ? "unused" : "", text);
  made.title = title;
  return made;
}

function show() {
  const { longest, chips: shown } = props.value;
  words.maxLength = longest;
  chips.hidden = !shown.length;
  chips.replaceChildren(...shown.map(chipOf));
}

root.addEventListener("submit", (event) => {
  event.preventDefault();
  if (words.value.trim()) wish("said", { words: words.value });
});
watch("value", show);
show();
