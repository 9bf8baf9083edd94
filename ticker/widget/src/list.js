import { formatAge, localeOf, make, setText } from "./dom.js";
import { toMilliseconds } from "./fold.js";

/**
 * @typedef {import("./fold.js").Line} Line
 * @typedef {{ line: Line, node: HTMLLIElement }} Item a line, in the version that its node shows
 */

/** The lines that arrived while their element was live. @type {WeakSet<Line>} */
const freshLines = new WeakSet();

/** Mark a line as news: its item is highlighted when it appears. @param {Line} line */
export const markFresh = (line) => void freshLines.add(line);

/** The list of lines. It changes step by step and preserves the focus. */
export class LineList {
  node = make("ol", "list", { role: "list" });
  /** The language of the interface, and its words. */
  lang = "";
  /** @type {Record<string, string>} */
  words = {};
  /** @type {Map<string, Item>} */
  #items = new Map(); // by the id of the line
  #hasChangedItem = false; // whether `change` has changed an item since the last `update`

  /** Return the node of a line, if it is in the list. @param {{ id: string }} line */
  nodeOf = ({ id }) => this.#items.get(id)?.node;

  /**
   * Bring the list to `lines`, or only one step closer to them. Return false if a further step may be needed.
   *
   * Several steps in one frame would be a layout shift for the items between them.
   * @param {Line[]} lines
   * @param {boolean} isOneStep
   */
  update(lines, isOneStep) {
    while (this.#hasChangedItem || this.#step(lines)) {
      this.#hasChangedItem = false;
      if (isOneStep) return false;
    }
    return true;
  }

  /** Show another version of a line immediately, if the line is in the list. @param {Line} line */
  change(line) {
    const item = this.#items.get(line.id);
    if (item) this.#hasChangedItem = this.#fill(item, line);
  }

  /** Hide every line but one, or none. @param {string | undefined} id */
  showOnly(id) {
    for (const [each, { node }] of this.#items) node.hidden = id !== undefined && each !== id;
  }

  /** @param {number} now in milliseconds */
  updateAges(now) {
    for (const { line, node } of this.#items.values()) {
      const age = /** @type {Node} */ (node.firstChild);
      setText(age, formatAge(toMilliseconds(line.created_at), now, localeOf(line.lang)));
    }
  }

  /**
   * Return the part that marks the kind of a line, and the word for it.
   * @param {Line} line
   * @returns {[string, string]}
   */
  labelOf({ status, correction, urgency, change, test }) {
    const kind = status !== "usable" ? "withdrawn" : correction ? "correction" : urgency === 1 ? "flash" : change;
    return [kind, [test && this.words.test, this.words[kind]].filter(Boolean).join(" ")];
  }

  /**
   * Return the text of a line. `bdi` keeps the attribution from changing the direction of the rest.
   * @param {Line} line
   */
  textOf({ attribution, text, correction, status }) {
    if (status !== "usable") return [correction ?? ""];
    return attribution ? [make("bdi", "attribution", {}, attribution), `: ${text}`] : [text];
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
    const { lang, dir, urgency, url, version, correction } = line;
    const isUsable = line.status === "usable";
    const [kind, word] = this.labelOf(line);
    const parts = ["line", kind];
    if (isUsable && urgency === 1) parts.push("urgent");
    if (version === 1 && freshLines.has(line)) parts.push("fresh");
    const text = this.textOf(line);
    const isLink = isUsable && url && /^https?:/i.test(url);
    const root = /** @type {ShadowRoot} */ (node.getRootNode());
    const hadFocus = node.contains(root.activeElement);
    item.line = line;
    Object.assign(node, { lang, dir });
    node.setAttribute("part", parts.join(" "));
    node.replaceChildren(
      this.#ageOf(line),
      make(
        "div",
        "text",
        {},
        ...(word ? [make("span", `tag ${kind}`, { lang: this.lang }, word), " "] : []),
        ...(isLink ? [make("a", "link", { href: url, rel: "noopener" }, ...text)] : text),
        isUsable && correction ? make("div", "note", {}, correction) : "",
      ),
    );
    if (hadFocus) (node.querySelector("a") ?? this.node.parentElement)?.focus({ preventScroll: true });
    return true;
  }

  /** @param {Line} line */
  #ageOf({ created_at, lang }) {
    const locale = localeOf(lang);
    const instant = toMilliseconds(created_at);
    return make(
      "time",
      "age",
      { dateTime: created_at, title: new Date(instant).toLocaleString(locale) },
      formatAge(instant, Date.now(), locale),
    );
  }
}
