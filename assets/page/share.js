// The body of the share link's on-load function: `element`, `props`, `trigger` and `watch` are
// given.
const button = element.querySelector(".copy");
const field = element.querySelector(".by-hand");
const query = () => (props.value || {}).query || "";

const link = () => `${location.origin}${location.pathname}?${query()}`;

// The host's own parameters stay in the address, for a reload, but do not go out with the link.
function address() {
  const own = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith("__"));
  return own.length ? `${link()}&${new URLSearchParams(own)}` : link();
}

async function copy() {
  try {
    await navigator.clipboard.writeText(link()); // missing on plain http, and can be forbidden
    field.hidden = true;
    trigger("copied");
  } catch {
    field.hidden = false;
    field.value = link();
    field.select();
    trigger("shown");
  }
}

function show() {
  button.disabled = !query();
  field.value = query() ? link() : "";
  if (query() && !props.value.opening) history.replaceState(history.state, "", address());
}

button.addEventListener("click", copy);
watch("value", show);
show();
