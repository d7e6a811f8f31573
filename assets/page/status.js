// The body of the status line's on-load function: `element`, `props` and `watch` are given.
const line = element.querySelector(".prism-status");
const bar = element.querySelector(".prism-progress");
let wasStep = false;

function show() {
  const status = props.value || { kind: "calm", text: "" };
  line.dataset.kind = status.kind;
  line.dataset.busy = Boolean(status.step || status.loading);
  line.setAttribute("aria-live", status.step && wasStep ? "off" : "polite");
  line.textContent = status.text;
  wasStep = Boolean(status.step);
  bar.hidden = status.share === undefined;
  bar.value = status.share ?? 0;
}

watch("value", show);
show();
