// The builder on the first page: it shows the ticker that the form describes, and the code for it.

const DEFAULT_LINES = "10";
const DEFAULT_THEME = "newsroom";
const CONTRAST_MINIMUM = 4.5; // of text: WCAG 2.2, 1.4.3
const FRAME_HEIGHTS = { list: 480, strip: 120, crawl: 120 };
/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** The rules for the height, as the server wrote them. The first one is enough for a list. */
const HEIGHTS = document.getElementById("style")?.textContent?.trim() ?? "";

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (character) => ENTITIES[character]);

/** @param {string[][]} attributes */
const written = (attributes) => attributes.map(([name, value]) => ` ${name}="${escaped(value)}"`).join("");

/** The choices of the form. @param {HTMLFormElement} form */
function readChoices(form) {
  // FormData would leave out the colours, which are disabled until the page's author chooses them.
  const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  const text = (/** @type {string} */ name) => field(name).value;
  const edition = text("edition");
  for (const group of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-edition]")))
    group.hidden = group.dataset.edition !== edition;
  const terms = (/** @type {string} */ name) =>
    [...form.querySelectorAll(`[data-edition="${CSS.escape(edition)}"] [name="${name}"]:checked`)]
      .map((each) => /** @type {HTMLInputElement} */ (each).value)
      .join(" ");
  const lines = field("lines");
  return {
    edition,
    layout: /** @type {keyof typeof FRAME_HEIGHTS} */ (text("layout")),
    theme: text("theme"),
    label: text("label").trim(),
    lines: lines.validity.valid ? lines.value : DEFAULT_LINES,
    urgency: text("urgency"),
    section: terms("section"),
    region: terms("region"),
    colours: field("colours").checked ? { background: text("background"), color: text("color"), accent: text("accent") } : null,
    isPinned: field("pinned").checked,
  };
}

/** @typedef {ReturnType<typeof readChoices>} Choices */

/** The attributes that differ from the defaults. @param {Choices} choices */
function attributesOf(choices) {
  return [
    ["edition", choices.edition],
    ["layout", choices.layout === "list" ? "" : choices.layout],
    ["label", choices.label],
    ["lines", choices.lines === DEFAULT_LINES ? "" : choices.lines],
    ["section", choices.section],
    ["region", choices.region],
    ["urgency", choices.urgency],
    ["data-ticker-theme", choices.theme === DEFAULT_THEME ? "" : choices.theme],
  ].filter(([, value]) => value);
}

/** @param {Choices} choices @param {DOMStringMap} server @param {string} title */
function snippet(choices, server, title) {
  const { base = "", module = "", integrity = "", themes = "", themesIntegrity = "" } = server;
  const source = choices.isPinned
    ? [["crossorigin", ""], ["src", module], ["integrity", integrity]]
    : [["src", `${base}widget/ticker.js`]];
  const sheet = choices.isPinned
    ? [["crossorigin", ""], ["href", themes], ["integrity", themesIntegrity]]
    : [["href", `${base}widget/themes.css`]];
  const lines = [`<script type="module"${written(source)}></script>`.replace('crossorigin=""', "crossorigin")];
  if (choices.theme !== DEFAULT_THEME)
    lines.push(`<link rel="stylesheet"${written(sheet)}>`.replace('crossorigin=""', "crossorigin"));
  lines.push(
    `<breaking-ticker${written(attributesOf(choices))}>`,
    `  <a href="${escaped(base + choices.edition)}">${escaped(title)}</a>`,
    "</breaking-ticker>",
  );
  return lines.join("\n");
}

/** @param {Choices} choices @param {string} origin */
function policy(choices, origin) {
  const styles = choices.theme === DEFAULT_THEME ? "" : `; style-src ${origin}`;
  return `script-src ${origin}; connect-src ${origin}${styles}`;
}

/** @param {Choices} choices @param {string} base @param {string} title @param {string} sandbox */
function frame(choices, base, title, sandbox) {
  const query = new URLSearchParams();
  for (const [name, value] of attributesOf(choices))
    if (name === "data-ticker-theme") query.append("theme", value);
    else if (!["edition", "label"].includes(name)) for (const each of value.split(" ")) query.append(name, each);
  const address = `${base}${choices.edition}/embed${query.size ? `?${query}` : ""}`;
  return (
    `<iframe${written([["src", address], ["title", title], ["width", "600"]])} ` +
    `height="${FRAME_HEIGHTS[choices.layout]}"\n  loading="lazy" sandbox="${sandbox}"></iframe>`
  );
}

/** The custom properties for the choices. @param {Choices} choices */
const propertiesOf = ({ colours }) =>
  Object.entries(colours ?? {}).map(([name, value]) => [`--ticker-${name}`, value]);

/** The rules for the page's style sheet. @param {Choices} choices */
function styleSheet(choices) {
  const heights = choices.layout === "list" ? HEIGHTS.split("\n", 1)[0] : HEIGHTS;
  const properties = propertiesOf(choices).map(([name, value]) => `  ${name}: ${value};\n`);
  if (!properties.length) return heights;
  // A theme also sets colours, so the rule needs a higher specificity than the theme's.
  const selector = choices.theme === DEFAULT_THEME ? "breaking-ticker" : "breaking-ticker[data-ticker-theme]";
  return `${heights}\n${selector} {\n${properties.join("")}}`;
}

/** The relative luminance of a colour: WCAG 2.2. @param {string} colour like #14171c */
function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const value = parseInt(colour.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {string} one @param {string} other */
function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** A sentence about colours that are hard to read, or an empty text. @param {Choices} choices */
function contrastWarning({ colours }) {
  if (!colours) return "";
  const low = ["color", "accent"].filter(
    (name) => contrast(colours.background, colours[/** @type {"color" | "accent"} */ (name)]) < CONTRAST_MINIMUM,
  );
  const names = low.map((name) => (name === "color" ? "Text" : "Accent")).join(" and ");
  return names && `${names} on this background: the contrast is below ${CONTRAST_MINIMUM}:1.`;
}

/** @param {Element} preview @param {Choices} choices */
function show(preview, choices) {
  const attributes = new Map(attributesOf(choices).map(([name, value]) => [name, value]));
  // The page already has a list with the edition's title.
  if (!choices.label && choices.layout === "list") attributes.set("label", "Preview");
  for (const name of ["edition", "layout", "label", "lines", "section", "region", "urgency", "data-ticker-theme"]) {
    const value = attributes.get(name);
    if (value) preview.setAttribute(name, value);
    else preview.removeAttribute(name);
  }
  const { style } = /** @type {HTMLElement} */ (preview);
  for (const name of ["background", "color", "accent"]) style.removeProperty(`--ticker-${name}`);
  for (const [name, value] of propertiesOf(choices)) style.setProperty(name, value);
}

/** @param {string} id @param {string} text */
function write(id, text) {
  const target = document.getElementById(id);
  if (target && target.textContent !== text) target.textContent = text;
}

/** @param {HTMLFormElement} form @param {Element} preview */
function update(form, preview) {
  const choices = readChoices(form);
  const base = form.dataset.base ?? "";
  const [option] = /** @type {HTMLSelectElement} */ (form.elements.namedItem("edition")).selectedOptions;
  const title = option.textContent ?? "";
  show(preview, choices);
  write("snippet", snippet(choices, form.dataset, title));
  write("style", styleSheet(choices));
  write("policy", policy(choices, base.replace(/\/$/, "")));
  write("frame", frame(choices, base, title, option.dataset.sandbox ?? ""));
  for (const name of ["background", "color", "accent"])
    /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).disabled = !choices.colours;
  /** @type {HTMLOutputElement} */ (form.elements.namedItem("contrast")).value = contrastWarning(choices);
}

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("builder"));
const preview = document.getElementById("preview");
if (form && preview) {
  form.addEventListener("input", () => update(form, preview));
  form.addEventListener("submit", (event) => event.preventDefault()); // Enter in a field
  update(form, preview); // a browser may have restored the choices of an earlier visit
}
