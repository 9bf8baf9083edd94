/** Small helpers: build elements, format times, and ignore what can't be parsed. */

/**
 * Make an element with a part, properties and children. Texts become text nodes and never markup.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} part
 * @param {Partial<HTMLElementTagNameMap[T]>} [properties]
 * @param {(Node | string)[]} children
 */
export function make(tag, part, properties, ...children) {
  const node = setPart(Object.assign(document.createElement(tag), properties), part);
  node.append(...children);
  return node;
}

/**
 * Set the parts of an element. They are its classes, too, because that makes short selectors.
 * @template {Element} T
 * @param {T} node
 * @param {string} part
 */
export function setPart(node, part) {
  if (part) Object.assign(node, { part, className: part });
  return node;
}

/**
 * Set a text if it differs: screen readers read a status again each time it is set.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Return the result of `act`, or undefined if it throws.
 * @template T
 * @param {() => T} act
 */
export function attempt(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/**
 * Return the digits of a language: "latn", "arab" … Browsers disagree about `ar` alone, so this decides: `latn`.
 * @param {string} lang e.g. "ar-EG" or "ar-u-nu-arab"
 */
export const digitsOf = (lang) =>
  lang === "ar" ? "latn" : attempt(() => new Intl.NumberFormat(lang).resolvedOptions().numberingSystem);

/**
 * Return a language that the browser can format for, or undefined (the reader's own language) for an invalid one.
 * @param {string} lang
 * @param {string} [digits] from `digitsOf`
 */
export const localeOf = (lang, digits) => attempt(() => new Intl.Locale(lang, { numberingSystem: digits }));
