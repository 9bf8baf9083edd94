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
  const node = Object.assign(document.createElement(tag), properties);
  if (part) node.setAttribute("part", part);
  node.append(...children);
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
 * Return a language that the browser can format for, or undefined (the reader's own language) for an invalid one.
 * @param {string} lang
 */
export const localeOf = (lang) => attempt(() => Intl.getCanonicalLocales(lang)[0]);

/**
 * Return the age of a line in its own language and in the reader's time zone: "now", "2 min", "3 hr", or the date if it
 * is from an earlier day.
 * @param {number} instant in milliseconds
 * @param {number} now in milliseconds
 * @param {string | undefined} locale
 */
export function formatAge(instant, now, locale) {
  const format = (/** @type {number} */ count, /** @type {string} */ unit) =>
    Math.trunc(count).toLocaleString(locale, { style: "unit", unit });
  const minutes = (now - instant) / 60_000;
  const date = new Date(instant);
  if (minutes < 1) return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(0, "second");
  if (minutes < 60) return format(minutes, "minute");
  if (new Date(now).toDateString() === date.toDateString()) return format(minutes / 60, "hour");
  return date.toLocaleDateString(locale, { dateStyle: "medium" });
}
