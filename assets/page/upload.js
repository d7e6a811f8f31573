// The body of the panel's on-load function: `element`, `props`, `trigger` and `watch` are given.
const CHUNK = 32768; // as many arguments as every browser takes

const root = element.querySelector(".prism-upload");
const part = (name) => root.querySelector(name);
const picker = part("input[type=file]");
const bar = part(".bar");
let latest = 0; // when the newest file was chosen
const value = () => props.value || { name: "", bar: 1, bars: 1, limits: "", bytes: 0 };

function say(said, message) {
  part(".said").textContent = said;
  part(".fault").textContent = message;
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(text);
}

async function take(files) {
  if (files.length > 1) return say("", `${files.length} files: choose a single one.`);
  const [file] = files;
  if (!file) return;
  if (file.size > value().bytes) {
    const [size, most] = [file.size, value().bytes].map((n) => Math.round(n / 1024));
    return say("", `${file.name} has ${size} KB; expected at most ${most} KB: cut the piece, or `
      + "remove lyrics and other extra data.");
  }
  say(`Reading ${file.name}…`, "");
  const when = latest = performance.now();
  try {
    const content = base64(new Uint8Array(await file.arrayBuffer()));
    if (when === latest) wish("chosen", { label: file.name, content }, when);
  } catch (error) {
    say("", `The browser could not read ${file.name} (${error.name}): was it moved, or is it a `
      + "folder? Choose it again.");
  }
}

function hover(event, over) {
  event.preventDefault();
  root.dataset.over = over;
}

function show() {
  const now = value();
  part(".limits").textContent = now.limits;
  part(".chosen").hidden = !now.name;
  part(".file").textContent = now.name;
  part(".bars").textContent = `of ${now.bars}`;
  bar.max = now.bars;
  bar.value = now.bar;
  part(".choose span").textContent = now.name ? "Choose another MIDI file" : "Choose a MIDI file";
  say(now.said || "", now.message || "");
}

picker.addEventListener("change", async () => {
  const files = [...picker.files];
  picker.value = ""; // so that the same file can be chosen again
  await take(files);
});
bar.addEventListener("change", () => {
  wish("moved", { bar: bar.value === "" ? null : bar.valueAsNumber });
});
part(".remove").addEventListener("click", () => {
  latest = performance.now();
  wish("removed", {}, latest);
  picker.focus();
});
root.addEventListener("dragover", (event) => hover(event, true));
root.addEventListener("dragleave", (event) => hover(event, false));
root.addEventListener("drop", (event) => {
  hover(event, false);
  take([...event.dataTransfer.files]);
});
watch("value", show);
show();
