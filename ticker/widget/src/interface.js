/** What a reader sees of an element: the header with its buttons, the list, and the movement of strips and crawls. */

import { Crawl } from "./crawl.js";
import { make, setText } from "./dom.js";
import { LineList } from "./list.js";

/**
 * What an element shows. `newWhilePaused`: how many lines have arrived since it was paused. `isStill`: nothing moves by
 * itself, because the reader prefers reduced motion.
 * @typedef {import("./fold.js").Line} Line
 * @typedef {{
 *   layout: string, size: number, lines: Line[], edition?: import("./fold.js").Edition, isIncomplete?: boolean,
 *   state: string, isPaused: boolean, newWhilePaused: number, isVisible: boolean, interval: number, isStill: boolean,
 *   lang: string, words: Record<string, string>, label: string,
 * }} Shown
 *
 * What a reader does with the buttons, and `render`, which is called when the interface needs another rendering.
 * @typedef {{ pause(): void, resume(): void, render(): void }} Actions
 */

const ROTATION_MINIMUM_MS = 3_000;

/**
 * The interface of an element. `frame` contains all of it. What a page can style and fill:
 *
 * @slot - Shows until the first lines arrive, and while there are none.
 *
 * @csspart ticker - Everything.
 * @csspart header - The row with title, status and buttons.
 * @csspart test - The mark of a test edition.
 * @csspart title - The title.
 * @csspart status - The state of the connection, if there is something to say.
 * @csspart new - The button with the number of new lines while paused.
 * @csspart previous - The button for the previous line of a strip.
 * @csspart count - The place of a strip's line among all lines.
 * @csspart next - The button for the next line of a strip.
 * @csspart pause - The button to pause and resume.
 * @csspart view - The part that scrolls, around the lines.
 * @csspart list - The lines.
 * @csspart line - A line. It has a second part for its kind.
 * @csspart age - The age of a line.
 * @csspart text - The text of a line, with everything but its age.
 * @csspart tag - The word for the kind of a line. It has a second part for the kind.
 * @csspart attribution - The source of a line.
 * @csspart link - The link of a line.
 * @csspart note - The explanation of a correction.
 * @csspart flash - A line of urgency 1, and its tag.
 * @csspart update - A line that was updated, and its tag.
 * @csspart correction - A line that was corrected, and its tag.
 * @csspart withdrawn - A notice in place of a withdrawn line, and its tag.
 * @csspart urgent - A line of urgency 1, also if it was updated or corrected.
 * @csspart fresh - A line that has just arrived.
 *
 * @cssprop --ticker-background - The background.
 * @cssprop --ticker-color - The colour of the text.
 * @cssprop --ticker-accent - The colour of the live mark, of flash lines and of tags.
 * @cssprop --ticker-muted - The colour of ages and notes.
 * @cssprop --ticker-rule - The colour of rules and borders.
 * @cssprop --ticker-fresh - The background of a line that has just arrived.
 * @cssprop --ticker-font - The font family. By default the one of the page.
 * @cssprop --ticker-size - The font size. All other sizes are relative to it.
 * @cssprop --ticker-radius - The radius of the corners.
 * @cssprop --ticker-height - The height of a list.
 */
export class Interface {
  list = new LineList();
  currentId = ""; // the line that a strip shows
  /** @type {Shown | undefined} */
  #shown;
  #rotateAt = 0; // when a strip goes on to the next line
  /** @type {HTMLElement | undefined} */
  #movingFocus; // the focused element of a line that moves, while it is out of the document
  #actions;

  #testMark = make("strong", "test");
  #title = make("span", "title");
  #status = make("span", "status", { role: "status" });
  #newButton = make("button", "new", { onclick: () => this.#actions.resume() });
  #previousButton = make("button", "previous", { onclick: () => this.#stepByHand(-1) }, "‹");
  #count = make("span", "count");
  #nextButton = make("button", "next", { onclick: () => this.#stepByHand(1) }, "›");
  #pauseButton = make("button", "pause", {
    onclick: () => (this.#shown?.isPaused ? this.#actions.resume() : this.#actions.pause()),
  });
  #header = make(
    "div", "header", {},
    this.#testMark, this.#title, this.#status,
    this.#newButton, this.#previousButton, this.#count, this.#nextButton, this.#pauseButton,
  );
  #fallback = make("slot", ""); // shows the content that the page gives, while the list is empty
  #view = make("section", "view", {}, this.list.node, this.#fallback);
  #crawl = new Crawl(this.#view, this.list.node, () => this.#actions.render());
  frame = make("div", "ticker", {}, make("div", "", { className: "row" }, this.#header, this.#view));

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
    for (const type of ["pointerenter", "pointerleave", "focusin", "focusout"])
      this.#view.addEventListener(type, ({ target }) => {
        const item = type === "focusin" && /** @type {Element} */ (target).closest("li");
        if (item) this.#crawl.bringIntoSight(item);
        this.#updateCrawl();
      });
  }

  /** Show something else. @param {Shown} shown */
  render(shown) {
    this.#shown = shown;
    const { layout } = shown;
    const isCrawl = layout === "crawl";
    const view = this.#view;
    const focused = this.#movingFocus ?? this.#focused;
    const heightBefore = view.scrollHeight;
    const [lines, start] = isCrawl ? this.#crawl.order(shown.lines, this.list.nodeOf) : [shown.lines, 0];
    this.#updateFrame(shown);
    this.#updateHeader(shown);
    if (!this.list.update(lines, layout === "list" && !document.hidden)) this.#actions.render();
    this.#step(0);
    if (isCrawl) this.#crawl.start(start);
    else this.#crawl.stop();
    this.#updateCrawl();
    // Readers who have scrolled down keep the lines that they are reading in sight.
    if (view.scrollTop > 0) view.scrollTop += view.scrollHeight - heightBefore;
    view.tabIndex = view.scrollHeight > view.clientHeight + 1 ? 0 : -1; // a view that scrolls needs the keyboard
    this.#restoreFocus(focused);
  }

  /** The element inside the ticker that has the focus. */
  get #focused() {
    const root = /** @type {ShadowRoot} */ (this.frame.getRootNode());
    return /** @type {HTMLElement | null} */ (root.activeElement);
  }

  /**
   * Return the focus to the element that had it before rendering, or to the view if the line is gone.
   * @param {HTMLElement | null} focused
   */
  #restoreFocus(focused) {
    const isMoving = this.#movingFocus;
    this.#movingFocus = undefined;
    if (!focused || (!isMoving && this.#focused)) return;
    if (!focused.isConnected && this.list.nodeOf({ id: focused.closest("li")?.id ?? "" })) this.#movingFocus = focused;
    (focused.isConnected ? focused : this.#view).focus({ preventScroll: true });
  }

  /** Update the languages, directions and sizes of the ticker, and the text of an empty one. @param {Shown} shown */
  #updateFrame({ layout, size, lines, edition, state, lang, words, label }) {
    Object.assign(this.list, { lang, words });
    Object.assign(this.frame, { lang, dir: edition?.dir ?? "", className: layout });
    this.frame.dataset.state = state;
    this.frame.style.setProperty("--lines", `${size}`);
    this.#crawl.isRightToLeft = this.frame.dir === "rtl";
    this.#view.ariaLabel = `${edition?.test ? words.test : ""} ${label}`.trim();
    setText(this.#fallback, state === "live" ? words.empty : ""); // shown if the page gives no content of its own
    this.#fallback.hidden = lines.length > 0;
  }

  /** @param {Shown} shown */
  #updateHeader({ layout, edition, isIncomplete, state, isPaused, newWhilePaused, words, label }) {
    setText(this.#testMark, edition?.test ? words.test : "");
    this.#testMark.hidden = !edition?.test;
    setText(this.#title, label);
    setText(this.#status, words[state] ?? (isPaused ? words.paused : isIncomplete ? words.incomplete : ""));
    setText(this.#newButton, words.more + newWhilePaused);
    this.#newButton.hidden = !newWhilePaused;
    this.#previousButton.ariaLabel = words.previous;
    this.#nextButton.ariaLabel = words.next;
    this.#previousButton.hidden = this.#count.hidden = this.#nextButton.hidden = layout !== "strip";
    setText(this.#pauseButton, isPaused ? words.resume : words.pause);
  }

  // Movement

  /** @param {number} by */
  #stepByHand(by) {
    this.#actions.pause();
    this.#step(by);
  }

  /** Show another line of the strip. @param {number} by 1: the next, -1: the previous, 0: the same */
  #step(by) {
    const { lines, layout } = /** @type {Shown} */ (this.#shown);
    const before = Math.max(0, lines.findIndex((line) => line.id === this.currentId));
    const current = (before + by + lines.length) % lines.length;
    this.currentId = lines[current]?.id ?? "";
    setText(this.#count, lines[current] ? `${current + 1}/${lines.length}` : "");
    this.list.showOnly(layout === "strip" ? this.currentId : undefined);
  }

  /** Show the next line of a strip if its time has come. Return the time of the next one, or Infinity. @param {number} now */
  rotate(now) {
    const { interval = 0, layout, isStill, isVisible } = this.#shown ?? {};
    if (layout !== "strip" || !(interval >= ROTATION_MINIMUM_MS) || isStill) return Infinity;
    if (now >= this.#rotateAt) {
      if (this.#rotateAt && isVisible && !this.#isHeld) this.#step(1);
      this.#rotateAt = now + interval;
    }
    return this.#rotateAt;
  }

  /** Whether the reader holds the lines: the element is paused, or a line is pointed at or has the focus. */
  get #isHeld() {
    return this.#shown?.isPaused || this.#view.matches(":hover, :focus-within");
  }

  /** @param {boolean} isVisible whether a reader can see the element now */
  setVisible(isVisible) {
    if (this.#shown) this.#shown.isVisible = isVisible;
    this.#updateCrawl();
  }

  #updateCrawl() {
    this.#crawl.setRunning(!!this.#shown?.isVisible && !this.#isHeld);
  }
}
