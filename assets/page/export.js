// The body of the panel's on-load function: `element`, `props`, `trigger` and `watch` are given.
const root = element.querySelector(".prism-export");
const part = (name) => root.querySelector(name);
const page = () => `${location.origin}${location.pathname}`;
let known = (props.value || {}).when; // what was shown before is not saved again

function show() {
  const value = props.value || {};
  part(".about").textContent = value.about || "";
  part(".said").textContent = value.text || "";
  root.dataset.kind = value.kind || "calm";
  root.setAttribute("aria-busy", String(Boolean(value.busy)));
  if (value.file && value.when !== known) save(value.file);
  known = value.when;
}

// The files are made on the server when they are asked for.
part(".archive").addEventListener("click", () => trigger("archive", { page: page() }));
part(".poster").addEventListener("click", () => trigger("poster", { page: page() }));
watch("value", show);
show();
