// Stands at the beginning of the page's body: the stored example's rolls, which came with the page,
// are seen at once where the lanes will stand. Gradio's page needs a second more.
const LONGEST_MS = 15000; // then the page is seen as it is
const query = new URLSearchParams(location.search);
const theme = query.get("__theme") ?? "system";
const isDark = theme === "system" ? matchMedia("(prefers-color-scheme: dark)").matches
  : theme === "dark";

// Pieces and the classes of their lanes.
const lanes = (window.gradio_config?.components ?? [])
  .map(({ props }) => [props.value, props.elem_classes])
  .filter(([value]) => value?.opening);

function lane([piece, classes]) {
  const made = make("section", ["lane", ...classes].join(" "));
  const titles = make("p", "titles");
  titles.append(make("span", "kind", piece.kind), make("b", "", piece.title), piece.detail);
  made.append(titles, make("canvas", ""));
  return made;
}

function leaveOnceLanesAreThere(opening) {
  const rolls = document.querySelectorAll(".prism-together .prism-player canvas");
  const drawn = [...rolls].filter((roll) => "notes" in roll.dataset);
  if (drawn.length >= lanes.length || performance.now() > LONGEST_MS) opening.remove();
  else requestAnimationFrame(() => leaveOnceLanesAreThere(opening));
}

function open() {
  const opening = make("div", "prism-opening");
  opening.ariaHidden = "true"; // it is gone before it could be read out
  const board = make("div", "");
  const mark = make("h1", "");
  mark.innerHTML = MARK;
  mark.append(make("span", "", "Prism"));
  const made = lanes.map(lane);
  const transport = make("section", "wait", "Loading the player…");
  board.append(mark, make("section", "controls"), transport, ...made);
  opening.append(board);
  document.body.classList.toggle("dark", isDark);
  document.body.append(opening);
  const view = { beat: 0, first: 0, span: SPANS[0], shared: true, colours: "velocity" };
  made.forEach((one, index) => {
    paint(one.querySelector("canvas"), colours(one), lanes[index][0], view);
  });
  leaveOnceLanesAreThere(opening);
}

if (lanes.length && !query.has("composers") && !query.has("mode")) open();
