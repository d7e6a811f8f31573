// Called once when the page is there: mends what Gradio's own elements say and who can reach them.
() => {
  // A chosen composer's button is called "Remove 0": nobody can tell whom it removes.
  const name = () => {
    for (const token of document.querySelectorAll(".prism-controls .token")) {
      const button = token.querySelector(".token-remove");
      const title = `Remove ${token.firstElementChild.textContent.trim()}`;
      if (button && button.title !== title) button.title = title;
    }
  };
  const mend = () => {
    name();
    // What is narrower than its table scrolls, with the keyboard too.
    const scrolled = ".prism-table table, .prism-figure-cosines .matplotlib";
    for (const place of document.querySelectorAll(scrolled)) place.tabIndex = 0;
    // A place for a picture that is not there yet has a name, but nothing that can bear one.
    for (const place of document.querySelectorAll(".empty[aria-label]")) place.role = "img";
  };
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
  mend();
}
