// The body of the status line's on-load function: `element`, `props` and `watch` are given.
const line = element.querySelector(".prism-status");
const told = element.querySelector(".prism-told");
const bar = element.querySelector(".prism-progress");
let wasStep = false;

function show() {
  const status = props.value || { kind: "calm", text: "" };
  line.dataset.kind = status.kind;
  line.textContent = line.title = status.text;
  if (!(status.step && wasStep)) told.textContent = status.text;
  wasStep = Boolean(status.step);
  bar.hidden = status.share === undefined;
  bar.value = status.share ?? 0;
}

watch("value", show);
show();
