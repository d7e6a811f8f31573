// Called once when the page is there: mends what Gradio's own inputs say.
() => {
  const blind = new URLSearchParams(location.search).get("mode") === "blind";
  document.documentElement.classList.toggle("prism-blind", blind);
  // A chosen composer's button is called "Remove 0": nobody can tell whom it removes.
  const name = () => {
    for (const token of document.querySelectorAll(".prism-controls .token")) {
      const button = token.querySelector(".token-remove");
      const title = `Remove ${token.firstElementChild.textContent.trim()}`;
      if (button && button.title !== title) button.title = title;
    }
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  name();
}
