// Stands before the body of every element's on-load function.
function make(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function option(value, text) {
  const made = make("option", "", text);
  made.value = value;
  return made;
}

function save(file) {
  const link = make("a", "");
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}
