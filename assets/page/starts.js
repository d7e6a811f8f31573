// The body of the bar's on-load function: `element`, `props`, `trigger` and `watch` are given.
const root = element.querySelector(".prism-starts");
const examples = root.querySelector(".examples");

function buttonOf(label) {
  const made = make("button", "example", label);
  made.type = "button";
  made.addEventListener("click", () => trigger("example", { label }));
  return made;
}

function show() {
  const names = (props.value || {}).examples || [];
  root.querySelector(".or").hidden = !names.length;
  examples.replaceChildren(...names.map(buttonOf));
}

root.querySelector(".surprise").addEventListener("click", () => trigger("surprise", {}));
watch("value", show);
show();
