import { make } from "./dom.js";

/** @typedef {import("./fold.js").Line} Line */

const BATCH_MS = 2_000; // lines that arrive within this time are announced together
const QUIET_MS = 10_000; // between two announcements
const LINES_PER_ANNOUNCEMENT = 3; // the others are only counted
const PENDING_MAX = 99;

/** Announces new lines to assistive technology: politely, in batches, and not too often. */
export class Announcer {
  /** The live region. It has to be in the document before there is anything to announce. */
  node = make("div", "", { className: "announcer", ariaLive: "polite" });
  /** @type {Line[]} */
  #pending = []; // sorted with the newest first
  #nextAt = 0; // the time of the next announcement; 0 without a text to announce

  /** Announce a line with the next batch. @param {Line} line */
  enqueue(line) {
    this.#pending = [line, ...this.#pending.filter((other) => other.id !== line.id)].slice(0, PENDING_MAX);
    this.#nextAt ||= Date.now() + BATCH_MS;
  }

  /** Drop a line, or all of them, even if it was announced just now. @param {string} [id] */
  drop(id) {
    this.#pending = this.#pending.filter((line) => id && line.id !== id);
    for (const node of [...this.node.children]) if (!id || node.id === id) node.remove();
  }

  /**
   * Announce the batch if it is due. Return the time of the next announcement, or Infinity.
   * @param {number} now in milliseconds
   * @param {(count: number) => string} moreText the text for lines that are only counted
   * @param {(line: Line) => (Node | string)[]} contentOf
   */
  announceDue(now, moreText, contentOf) {
    if (this.#nextAt && now >= this.#nextAt) {
      const lines = this.#pending.splice(0);
      const remaining = lines.length - LINES_PER_ANNOUNCEMENT;
      this.#nextAt = lines.length ? now + QUIET_MS : 0;
      this.node.replaceChildren(
        ...lines
          .slice(0, LINES_PER_ANNOUNCEMENT)
          .map((line) => make("p", "", { id: line.id, lang: line.lang, dir: line.dir }, ...contentOf(line))),
        remaining > 0 ? moreText(remaining) : "",
      );
    }
    return this.#nextAt || Infinity;
  }
}
