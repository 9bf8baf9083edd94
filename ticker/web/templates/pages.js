// What the pages do beside their tickers. Without JavaScript they do without it.

// A line that is taken back has to be gone from the whole document, also from the description for search engines.
document.addEventListener("ticker:line", (event) => {
  const { line } = /** @type {CustomEvent} */ (event).detail;
  if (line.status !== "usable") document.querySelector("script[type='application/ld+json']")?.remove();
});

// The copy buttons of the first page.
for (const button of document.querySelectorAll("button")) {
  const source = document.getElementById(button.dataset.copies ?? "");
  if (!source || !navigator.clipboard) continue;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent ?? "");
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 2000);
  });
}
