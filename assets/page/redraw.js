// The body of the element's on-load function: `element`, `props`, `trigger` and `watch` are given.
// Which bars are meant, the transport says: those that are looped.
const root = element.querySelector(".prism-redraw");
const part = (name) => root.querySelector(name);
let marked = null; // from and to, in beats

function show() {
  const { undo = false, redo = false, edits = "" } = props.value || {};
  root.hidden = !marked && !undo && !redo;
  part(".draw").disabled = !marked;
  part(".undo").disabled = !undo;
  part(".redo").disabled = !redo;
  const said = edits ? `Redrawn: ${edits}.` : "In Prism's piece; all else stays.";
  part(".hint").textContent = marked ? said : `${said} Shift and a drag mark bars.`;
}

part(".draw").addEventListener("click", () => {
  const { from: start, to: end } = marked;
  wish("edit", { kind: "draw", start, end, seed: newSeed(), by: part(".by").value });
});
part(".by").replaceChildren(...drawers());
for (const kind of ["undo", "redo"]) {
  part(`.${kind}`).addEventListener("click", () => wish("edit", { kind }));
}
document.addEventListener("prism-bars", (event) => {
  marked = event.detail;
  show();
});
watch("value", show);
show();
