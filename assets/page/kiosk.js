// Called once when the page is there: with `?mode=kiosk` it shows itself until somebody comes.
() => {
  if (new URLSearchParams(location.search).get("mode") !== "kiosk") return;
  const IDLE_MS = 60_000;
  const STEP_MS = 500;
  const page = document.documentElement.classList;
  const find = (name) => document.querySelector(name);
  const link = () => find(".prism-share .by-hand").value;
  const shown = () => page.contains("prism-kiosk");

  const side = document.createElement("aside");
  side.className = "prism-kiosk-side";
  side.innerHTML = `<p class="name">Prism</p>
    <p>A diffusion transformer draws piano music. It is playing what it drew just now, above a real
    piece and a model that writes note by note.</p>
    <img alt="QR code of this piece's address" />
    <p class="take">Take this piece along: scan the code.</p>
    <p class="here" hidden>The code's address works on this computer alone.</p>
    <p class="touch">Touch the screen or press a key to try it yourself.</p>`;
  const own = ["localhost", "127.0.0.1", "[::1]"];
  side.querySelector(".here").hidden = !own.includes(location.hostname);
  document.body.append(side);

  let before = null; // the link that stood there when a piece was asked for that is yet to come
  let since = -Infinity; // when somebody was here, or a piece was asked for

  function enter(on) {
    if (shown() === on) return;
    page.toggle("prism-kiosk", on);
    page.toggle("prism-narrow", innerWidth <= 640);
    if (page.contains("prism-projector") !== on) find(".prism-transport .projector").click();
  }

  function draw() {
    since = performance.now();
    before = link();
    enter(true);
    find(".prism-surprise").click();
  }

  function play() {
    before = null;
    side.querySelector("img").src = `qr.svg?${new URLSearchParams({ link: link() })}`;
    find(".prism-transport .play:not(.playing)")?.click();
  }

  // Neither loading nor drawing.
  const rests = () => find(".prism-status")?.dataset.busy === "false";
  const sounds = () => find(".prism-together .prism-player").dataset.state === "ready";
  const nobody = () => performance.now() - since > IDLE_MS && !find(".prism-transport .playing");

  function look() {
    if (!rests()) return;
    // A piece that has not come by then will not come.
    if (nobody()) draw();
    else if (before !== null && before !== link() && sounds()) play();
  }

  function taken(event) {
    since = performance.now();
    if (!shown()) return;
    // The touch that wakes the page presses nothing.
    event.preventDefault();
    event.stopPropagation();
    before = null;
    enter(false);
  }

  for (const name of ["pointerdown", "keydown"]) addEventListener(name, taken, { capture: true });
  setInterval(look, STEP_MS);
}
