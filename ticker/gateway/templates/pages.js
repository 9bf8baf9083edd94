// The copy buttons of the first page; without JavaScript there are none.

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
