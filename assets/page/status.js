// The body of the status line's on-load function: `element`, `props` and `watch` are given.
const line = element.querySelector(".prism-status");

function show() {
  const status = props.value || { kind: "calm", text: "" };
  line.dataset.kind = status.kind;
  line.textContent = status.text;
}

watch("value", show);
show();
