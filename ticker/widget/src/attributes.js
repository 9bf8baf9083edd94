/** The attributes of the element. Each one has a property with the same name that reflects it. */

import { HAS_TOKENS } from "./access.js";
import { attempt } from "./dom.js";

/**
 * The properties. Reading one returns what the element uses: the default, if the attribute is missing or invalid.
 * Setting one sets the attribute; null, undefined and false remove it.
 * @typedef {object} Properties
 * @property {string} edition The name of the edition, such as `en`. Without one, nothing shows.
 * @property {number} lines How many lines show: 1 to 100.
 * @property {string} section Show only lines of these sections: ids, separated by spaces or commas. Empty: all.
 * @property {string} region Show only lines of these regions: ids, separated by spaces or commas. Empty: all.
 * @property {number} urgency Show only lines that are this urgent or more urgent, from 1 (flash) to 9 (all).
 * @property {"list" | "strip" | "crawl"} layout How the lines show: all, one at a time, or as moving text. Readers who
 *   prefer reduced motion see a strip in place of a crawl.
 * @property {number} interval After how many seconds a strip shows the next line: 3 or more. 0: it doesn't advance.
 * @property {string} server The address of the server. Empty: the server that the module was loaded from.
 * @property {Partial<import("./words.js").Words>} words Other words for the controls. The attribute has them as JSON.
 * @property {string} label The title, and the accessible name of the region. Empty: the title of the edition.
 * @property {boolean} paused Whether the lines stand still. Withdrawn lines disappear even then.
 * @property {"" | "events" | "socket" | "tail"} transport The first transport. Empty: the element chooses.
 * @property {"on" | "off"} announce Whether new lines are announced to assistive technology.
 * @property {string} href The address for lines without a link of their own.
 */

/** @typedef {string | null} Value of an attribute, or null if it is missing */

export const URGENCY_LAST = 9;

const text = (/** @type {Value} */ value) => value ?? "";

/** Accept some values only. The first one is the default. @param {string[]} values */
const oneOf =
  (...values) =>
  (/** @type {Value} */ value) =>
    values.find((each) => each === value) ?? values[0];

/** @param {number} minimum @param {number} maximum @param {number} fallback */
const number = (minimum, maximum, fallback) => (/** @type {Value} */ value) => {
  const given = Number(value); // 0 if it is missing
  return given >= minimum && given <= maximum ? given : fallback;
};

/**
 * How a property is read from the value of its attribute.
 * @type {Record<keyof Properties, (value: Value) => unknown>}
 */
const READERS = {
  edition: text,
  lines: number(1, 100, 10),
  section: text,
  region: text,
  urgency: number(1, URGENCY_LAST, URGENCY_LAST),
  layout: oneOf("list", "strip", "crawl"),
  interval: number(3, Infinity, 0),
  server: text,
  words: (value) => attempt(() => Object(JSON.parse(/** @type {string} */ (value)))) ?? {},
  label: text,
  paused: (value) => (value ?? "false") !== "false", // Vue and Svelte write "false" before the element is defined
  transport: oneOf("", "events", "socket", "tail"),
  announce: oneOf("on", "off"),
  href: text,
};
const NAMES = Object.keys(READERS);

// A server may import this module, but lacks HTMLElement. Nothing makes an element there.
const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

/** An element with the properties. Their names are not in the class, so that they cost a page few bytes. */
export const Attributes = /** @type {(new () => HTMLElement & Properties & { token: string }) & { observedAttributes: string[] }} */ (
  /** @type {unknown} */ (
    class extends Base {
      static observedAttributes = [...NAMES, "lang"]; // `lang` is a property of every element
    }
  )
);

for (const [name, read] of Object.entries(READERS))
  Object.defineProperty(Attributes.prototype, name, {
    get() {
      return read(this.getAttribute(name));
    },
    set(value) {
      if (value == null || value === false) this.removeAttribute(name);
      else this.setAttribute(name, value === true ? "" : Object(value) === value ? JSON.stringify(value) : value);
    },
  });

/**
 * Apply the properties that the page set before the element was defined. Until then they are ordinary values of the
 * object, which hide the properties of the class.
 * @param {any} element
 */
export function upgradeProperties(element) {
  for (const name of HAS_TOKENS ? [...NAMES, "token"] : NAMES)
    if (Object.hasOwn(element, name)) {
      const value = element[name];
      delete element[name];
      element[name] = value;
    }
}
