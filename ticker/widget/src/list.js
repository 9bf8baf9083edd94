import { localeOf, make, setPart, setText } from "./dom.js";
import { toMilliseconds } from "./fold.js";

/**
 * @typedef {import("./fold.js").Line} Line
 * @typedef {{ line: Line, node: HTMLLIElement }} Item a line, in the version that its node shows
 */

const URGENCIES = ["", "flash", "bulletin", "urgent"]; // the words for urgencies 1 to 3
const SCORE = /(\p{Nd}{1,4}[-–]\p{Nd}{1,4})/u; // "2-1", which must not be divided between two rows
const WEB = /^https?:/i;

/**
 * How lines are shown. `lang`, `words`: of the interface. `digits`: of all numbers, see `digitsOf`. `ageStyle`: of the
 * ages. `href`: where lines without a link of their own lead to, if anywhere.
 * @typedef {{
 *   lang: string, words: Record<string, string>, digits?: string, ageStyle: "long" | "short", href: string,
 * }} Settings
 */

/** The lines that arrived while their element was live. Their items are highlighted. @type {WeakSet<Line>} */
export const freshLines = new WeakSet();

/** The list of lines. It changes step by step and preserves the focus. */
export class LineList {
  node = make("ol", "list", { role: "list" });
  /** @type {Settings} */
  #settings = { lang: "", words: {}, ageStyle: "short", href: "" };
  #key = ""; // of the settings
  /** @type {Map<string, Item>} */
  #items = new Map(); // by the id of the line
  #hasChangedItem = false; // whether `changeItem` has changed an item since the last `approach`

  /** Show all lines in another way. @param {Settings} settings */
  configure(settings) {
    this.#settings = settings;
    const key = JSON.stringify(settings);
    if (key !== this.#key) for (const item of this.#items.values()) this.#fill(item, item.line);
    this.#key = key;
  }

  /** Return a number in the digits of the interface. @param {number} number */
  inDigits = (number) => number.toLocaleString(localeOf(this.#settings.lang, this.#settings.digits));

  /** Return the text for a number of further lines. @param {number} count */
  moreText = (count) => this.#settings.words.more + this.inDigits(count);

  /** Return the node of a line, if it is in the list. @param {{ id: string }} line */
  nodeOf = ({ id }) => this.#items.get(id)?.node;

  /**
   * Bring the list to `lines`, or only one step closer to them. Return false if a further step may be needed.
   *
   * Several steps in one frame would be a layout shift for the items between them.
   * @param {Line[]} lines
   * @param {boolean} isOneStep
   */
  approach(lines, isOneStep) {
    while (this.#hasChangedItem || this.#step(lines)) {
      this.#hasChangedItem = false;
      if (isOneStep) return false;
    }
    return true;
  }

  /** Show another version of a line immediately, if the line is in the list. @param {Line} line */
  changeItem(line) {
    const item = this.#items.get(line.id);
    if (item) this.#hasChangedItem = this.#fill(item, line);
  }

  /** Hide every line but one, or none. @param {string | undefined} id */
  showOnly(id) {
    for (const [each, { node }] of this.#items) node.hidden = (id ?? each) !== each;
  }

  /** @param {number} now in milliseconds */
  updateAges(now) {
    for (const { line, node } of this.#items.values()) {
      setText(/** @type {Node} */ (node.lastChild), this.#ageOf(line, now));
    }
  }

  /**
   * Return the parts that mark the kind of a line: its urgency, and what happened to it.
   * @param {Line} line
   * @returns {string[]}
   */
  #kindsOf({ status, correction, urgency, change }) {
    if (status !== "usable") return ["withdrawn"];
    return [URGENCIES[urgency], correction ? "correction" : change === "update" ? change : ""].filter(Boolean);
  }

  /** Return the words for the kind of a line. @param {Line} line */
  labelOf(line) {
    const kinds = this.#kindsOf(line);
    if (line.test) kinds.unshift("test");
    return kinds.map((kind) => this.#settings.words[kind]).join(" ");
  }

  /**
   * Return the text of a line. `bdi` keeps the attribution from changing the direction of the rest.
   * @param {Line} line
   */
  textOf({ attribution, text, correction, status }) {
    if (status !== "usable") return [correction ?? ""];
    const pieces = (attribution ? `: ${text}` : text)
      .split(SCORE)
      .map((piece, index) => (index % 2 ? make("span", "score", {}, piece) : piece));
    return attribution ? [make("bdi", "attribution", {}, attribution), ...pieces] : pieces;
  }

  /**
   * Update one item, or add, remove or replace one run of adjacent items. Return whether there was anything to do.
   * @param {Line[]} lines
   */
  #step(lines) {
    for (const line of lines) {
      const item = this.#items.get(line.id);
      if (item && item.line !== line) return this.#fill(item, line);
    }
    const nodes = [...this.node.children];
    const wanted = lines.map(this.nodeOf);
    const firstDifference = lines.findIndex((_, index) => !wanted[index] || wanted[index] !== nodes[index]);
    const start = firstDifference < 0 ? lines.length : firstDifference;
    let end = start;
    while (nodes[end] && !wanted.includes(/** @type {HTMLLIElement} */ (nodes[end]))) end++;
    for (const node of nodes.slice(start, end)) {
      this.#items.delete(node.id);
      node.remove();
    }
    let index = start;
    for (; index < lines.length && !wanted[index]?.isConnected; index++)
      this.node.insertBefore(wanted[index] ?? this.#add(lines[index]), nodes[end] ?? null);
    if (index > start || end > start) return true;
    // The next line is further down in the list: take it out now, and insert it with the next step.
    wanted[start]?.remove();
    return !!wanted[start];
  }

  /** @param {Line} line */
  #add(line) {
    const item = { line, node: make("li", "", { id: line.id }) };
    this.#items.set(line.id, item);
    this.#fill(item, line);
    return item.node;
  }

  /** Show a version of a line in its item. Return true. @param {Item} item @param {Line} line */
  #fill(item, line) {
    const { node } = item;
    const { lang, dir, version, correction } = line;
    const isUsable = line.status === "usable";
    const kinds = this.#kindsOf(line);
    const word = this.labelOf(line);
    const parts = ["line", ...kinds];
    if (version === 1 && freshLines.has(line)) parts.push("fresh");
    const text = this.textOf(line);
    const href = isUsable && (WEB.test(line.url ?? "") ? line.url : this.#settings.href);
    const link = make("a", "link", { href: href || "", rel: "noopener" });
    const isLink = href && WEB.test(link.protocol); // as the browser understands it
    if (isLink) link.append(...text);
    const root = /** @type {ShadowRoot} */ (node.getRootNode());
    const hadFocus = node.contains(root.activeElement);
    item.line = line;
    Object.assign(node, { lang, dir });
    setPart(node, parts.join(" "));
    node.replaceChildren(
      make(
        "div",
        "text",
        {},
        ...(word ? [make("span", ["tag", ...kinds].join(" "), { lang: this.#settings.lang }, word), " "] : []),
        ...(isLink ? [link] : text),
        ...(isUsable && correction ? [" ", make("div", "note", {}, correction)] : []),
      ),
      make("time", "age", { dateTime: line.created_at, title: this.#timeOf(line) }, this.#ageOf(line, Date.now())),
    );
    if (hadFocus) (node.querySelector("a") ?? this.node.parentElement)?.focus({ preventScroll: true });
    return true;
  }

  /** @param {Line} line */
  #timeOf = ({ created_at, lang }) => new Date(created_at).toLocaleString(localeOf(lang, this.#settings.digits));

  /**
   * Return the age of a line in its own language and in the reader's time zone: "now", "2 minutes ago", "3 hours ago",
   * or the date if it is from an earlier day.
   * @param {Line} line
   * @param {number} now in milliseconds
   */
  #ageOf({ created_at, lang }, now) {
    const { digits, ageStyle: style } = this.#settings;
    const locale = localeOf(lang, digits);
    const date = new Date(created_at);
    const minutes = (now - toMilliseconds(created_at)) / 60_000;
    const format = (/** @type {number} */ count, /** @type {Intl.RelativeTimeFormatUnit} */ unit) =>
      new Intl.RelativeTimeFormat(locale, { numeric: "auto", style }).format(-~~count, unit);
    if (minutes < 1) return format(0, "second");
    if (minutes < 60) return format(minutes, "minute");
    return new Date(now).toDateString() === date.toDateString()
      ? format(minutes / 60, "hour")
      : date.toLocaleDateString(locale, { dateStyle: "medium" });
  }
}
