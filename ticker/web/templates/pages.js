// Small additions to the pages. The pages work without them.

// A withdrawn line has to disappear from the whole document, including the description for search engines.
document.addEventListener("ticker:line", (event) => {
  const { line } = /** @type {CustomEvent} */ (event).detail;
  if (line.status !== "usable") document.querySelector("script[type='application/ld+json']")?.remove();
});

// The copy buttons on the index page. Without a clipboard they stay hidden.
for (const button of document.querySelectorAll("button")) {
  const source = document.getElementById(button.dataset.copies ?? "");
  if (!source || !navigator.clipboard) continue;
  const status = button.nextElementSibling;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent ?? "");
    const show = (/** @type {string | null} */ text) => {
      button.textContent = text ?? label;
      if (status) status.textContent = text;
    };
    show("Copied");
    setTimeout(show, 2000, null);
  });
}
