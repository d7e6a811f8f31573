// Stands in the page's head, so that where people listen blind nothing else is ever seen.
document.documentElement.classList.toggle(
  "prism-blind", new URLSearchParams(location.search).get("mode") === "blind",
);
