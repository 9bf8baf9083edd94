/** The visible parts of an element: the header with its buttons, the list, and the movement of strips and crawls. */

import { Crawl } from "./crawl.js";
import { digitsOf, make, setPart, setText } from "./dom.js";
import { LineList } from "./list.js";

/**
 * The content of an element. `isEcho`: another element of the page shows the same state. `newWhilePaused`: how many
 * lines have arrived since it was paused. `interval`: in milliseconds, or 0. `label`: the title that the page gives.
 * `href`: the address for lines without a link.
 * @typedef {import("./fold.js").Line} Line
 * @typedef {{
 *   layout: string, size: number, lines: Line[], edition?: import("./fold.js").Edition, incomplete?: boolean,
 *   state: string, isEcho: boolean, paused: boolean, newWhilePaused: number, isVisible: boolean, interval: number,
 *   lang: string, words: Record<string, string>, label: string, href: string,
 * }} Shown
 *
 * What a reader does with the buttons.
 * @typedef {{ pause(): void, resume(): void }} Actions
 */

/** Make a button with an icon. Its title is its accessible name. @param {string} part @param {() => void} onclick */
const makeButton = (part, onclick) => make("button", part, { onclick }, make("span", "icon"));

/**
 * The interface of an element. `frame` contains all of it. A page can style and fill these:
 *
 * @slot - Shows until the first lines arrive, and while the board is empty.
 *
 * @csspart ticker - Everything.
 * @csspart row - Header, controls and view.
 * @csspart header - The mark of a test edition and the title.
 * @csspart test - The mark of a test edition.
 * @csspart title - The title.
 * @csspart label - The title of a strip or a crawl.
 * @csspart controls - Status, count and buttons.
 * @csspart status - The state of the connection, if there is something to say.
 * @csspart new - The button with the number of new lines while paused.
 * @csspart previous - The button for the previous line of a strip.
 * @csspart count - The place of a strip's line among all lines.
 * @csspart next - The button for the next line of a strip.
 * @csspart pause - The button to pause and resume.
 * @csspart resume - The same button while the element is paused.
 * @csspart icon - The icon of a button.
 * @csspart view - The part that scrolls, around the lines.
 * @csspart list - The lines.
 * @csspart fallback - The page's content for an empty board.
 * @csspart line - A line. It has further parts for its kind.
 * @csspart age - The age of a line.
 * @csspart text - The text of a line, with everything but its age.
 * @csspart tag - The word for the kind of a line. It has the same further parts.
 * @csspart attribution - The source of a line.
 * @csspart score - A score such as 2-1, which stays in one row.
 * @csspart link - The link of a line.
 * @csspart note - The explanation of a correction.
 * @csspart flash - A line of urgency 1, and its tag.
 * @csspart bulletin - A line of urgency 2, and its tag.
 * @csspart urgent - A line of urgency 3, and its tag.
 * @csspart update - A line that was updated, and its tag.
 * @csspart correction - A line that was corrected, and its tag.
 * @csspart withdrawn - A notice in place of a withdrawn line, and its tag.
 * @csspart fresh - A line that has just arrived.
 *
 * @cssprop --ticker-background - The background, and the colour of the words on the accent.
 * @cssprop --ticker-color - The colour of the text.
 * @cssprop --ticker-accent - The colour of the live mark, of flash lines and of tags.
 * @cssprop --ticker-muted - The colour of ages and notes.
 * @cssprop --ticker-rule - The colour of rules and borders.
 * @cssprop --ticker-fresh - The background of a line that has just arrived.
 * @cssprop --ticker-font - The font family. By default the one of the page.
 * @cssprop --ticker-size - The font size. All other sizes are relative to it.
 * @cssprop --ticker-focus - The colour of focus rings. By default the accent.
 * @cssprop --ticker-radius - The radius of the corners.
 * @cssprop --ticker-height - The height of a list, with its header.
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
  #render;

  #testMark = make("strong", "test");
  #title = make("span", "title");
  #status = make("span", "status", { role: "status", dir: "auto" });
  #newButton = make("button", "new", { onclick: () => this.#actions.resume() });
  #previousButton = makeButton("previous", () => this.#stepByHand(-1));
  #count = make("span", "count");
  #nextButton = makeButton("next", () => this.#stepByHand(1));
  #pauseButton = makeButton("pause", () => (this.#shown?.paused ? this.#actions.resume() : this.#actions.pause()));
  #header = make("div", "header", {}, this.#testMark, this.#title);
  #controls = make(
    "div", "controls", {},
    this.#newButton, this.#status, this.#previousButton, this.#count, this.#nextButton, this.#pauseButton,
  );
  #fallback = make("slot", "fallback"); // shows the content that the page gives, while the list is empty
  #view = make("section", "view", {}, this.list.node, this.#fallback);
  #crawl;
  #row = make("div", "row");
  frame = make("div", "ticker", {}, this.#row);

  /**
   * @param {Actions} actions
   * @param {() => void} render called when the interface needs another rendering
   */
  constructor(actions, render) {
    this.#actions = actions;
    this.#render = render;
    this.#crawl = new Crawl(this.#view, this.list.node, render);
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
    const lines = isCrawl ? this.#crawl.order(shown.lines, this.list.nodeOf) : shown.lines;
    this.#update(shown);
    if (!this.list.approach(lines, layout === "list" && !document.hidden)) this.#render();
    this.#step(0);
    if (isCrawl) this.#crawl.start(lines);
    else this.#crawl.stop();
    this.#updateCrawl();
    // Readers who have scrolled down keep the lines that they are reading in sight.
    if (view.scrollTop > 0) view.scrollTop += view.scrollHeight - heightBefore;
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

  /** Update everything around the list. @param {Shown} shown */
  #update(shown) {
    const { layout, edition, state, paused, newWhilePaused, lang, words, label } = shown;
    const isList = layout === "list";
    // The order of the nodes is the order of the keyboard: a reader can pause a long list before its links.
    const order = isList ? [this.#header, this.#controls, this.#view] : [this.#header, this.#view, this.#controls];
    if (this.#row.children[1] !== order[1]) this.#row.append(...order);
    const dir = edition?.dir ?? "";
    this.#crawl.isRightToLeft = dir === "rtl";
    Object.assign(this.frame, { lang, dir, className: `ticker ${isList ? "rows" : `flow ${layout}`}`, style: `--lines: ${shown.size}` });
    // One of several elements announces a state that they share.
    const role = shown.isEcho && words[state] ? null : "status";
    if (this.frame.dataset.state !== state && this.#status.role !== role) this.#status.role = role;
    this.frame.dataset.state = state;
    this.list.configure({ lang, words, digits: digitsOf(lang), ageStyle: isList ? "short" : "long", href: shown.href });
    const testMark = edition?.test ? words.test : "";
    const title = label || (edition?.title ?? "");
    this.#view.ariaLabel = `${testMark} ${title}`.trim();
    setText(this.#fallback, state === "live" ? words.empty : ""); // shown if the page gives no content of its own
    setText(this.#testMark, testMark);
    setText(this.#title, isList || label || !edition ? title : words.breaking);
    setPart(this.#title, isList ? "title" : "title label");
    setText(this.#status, words[state] ?? (paused ? words.paused : shown.incomplete ? words.incomplete : ""));
    setText(this.#newButton, this.list.moreText(newWhilePaused));
    this.#newButton.hidden = !newWhilePaused;
    this.#previousButton.hidden = this.#count.hidden = this.#nextButton.hidden = layout !== "strip" || shown.lines.length < 2;
    this.#previousButton.title = words.previous;
    this.#nextButton.title = words.next;
    this.#pauseButton.title = paused ? words.resume : words.pause;
    setPart(this.#pauseButton, paused ? "pause resume" : "pause");
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
    const usable = lines.filter(({ status }) => status === "usable"); // a notice of a withdrawn line isn't counted
    const known = lines.findIndex(({ id }) => id === this.currentId);
    const before = known < 0 ? Math.max(0, lines.indexOf(usable[0])) : known;
    const current = lines[(before + by + lines.length) % lines.length];
    const number = usable.indexOf(current) + 1;
    this.currentId = current?.id ?? "";
    setText(this.#count, number ? [number, usable.length].map(this.list.inDigits).join("/") : "");
    this.list.showOnly(layout === "strip" ? this.currentId : undefined);
    // A view that scrolls needs the keyboard. So does one with a text that ends in an ellipsis until it has the focus.
    const hasMore = [...this.#row.querySelectorAll(layout === "list" ? "section" : "section, .text")].some(
      ({ scrollHeight, clientHeight }) => scrollHeight > clientHeight + 1,
    );
    this.#view.tabIndex = hasMore ? 0 : -1;
  }

  /** Show the next line of a strip if its time has come. Return the time of the next one, or Infinity. @param {number} now */
  rotate(now) {
    const { interval, layout, isVisible } = this.#shown ?? {};
    if (!interval || layout !== "strip") return Infinity;
    if (now >= this.#rotateAt) {
      if (this.#rotateAt && isVisible && !this.#isHeld) this.#step(1);
      this.#rotateAt = now + interval;
    }
    return this.#rotateAt;
  }

  /** Whether the reader holds the lines: the element is paused, or a line is pointed at or has the focus. */
  get #isHeld() {
    return this.#shown?.paused || this.#view.matches(":hover, :focus-within");
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
