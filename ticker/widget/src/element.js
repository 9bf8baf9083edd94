/** The element: what it looks like, what it announces, and what readers and host pages can do with it. */

import { Announcer } from "./announcer.js";
import { Crawl } from "./crawl.js";
import { attempt, make, setText } from "./dom.js";
import { nextBoardChange } from "./fold.js";
import { Link, linkUrl } from "./link.js";
import { LineList, markFresh } from "./list.js";
import { sheet } from "./styles.js";
import { wordsOf } from "./words.js";

/**
 * @typedef {import("./fold.js").Line} Line
 * @typedef {import("./fold.js").Message} Message
 */

const AGE_UPDATE_MS = 20_000; // how long a shown age may be out of date
const TIMER_MINIMUM_MS = 50;
const ROTATION_MINIMUM_MS = 3_000;
const DEFAULT_SIZE = 10;
const SIZE_MAX = 100;
const ANNOUNCED_CHANGES = ["new", "update", "correct", "unhide"]; // withdrawals are announced too

/** @type {Set<BreakingTicker>} */
const elements = new Set();

// One timer for the ages, expiries, rotations and announcements of all elements on the page.
let pageTimer = 0;
function updateAll() {
  clearTimeout(pageTimer);
  const now = Date.now();
  const next = Math.min(now + AGE_UPDATE_MS, ...[...elements].map((element) => element.update(now)));
  if (elements.size) pageTimer = setTimeout(updateAll, Math.max(TIMER_MINIMUM_MS, next - now));
}
addEventListener("visibilitychange", updateAll);

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
reducedMotion.addEventListener("change", () => elements.forEach((element) => element.render()));

const viewportObserver = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries)
      /** @type {BreakingTicker} */ (target).setInViewport(isIntersecting);
  },
  { rootMargin: "200px" },
);

/** `<breaking-ticker>`. Its attributes are its state; an invalid value counts as not set. */
export class BreakingTicker extends HTMLElement {
  static observedAttributes = [
    "edition", "lines", "section", "region", "urgency", "layout", "interval", "server", "lang", "words", "label",
    "paused", "transport",
  ];

  /** @type {Link | undefined} */
  #link;
  #url = ""; // of the link
  #isInViewport = false;
  /** @type {Line[]} */
  #lines = []; // on the board; they don't change while the element is paused
  #isRenderScheduled = false;
  #renderedAt = 0; // by the clock of the server
  #newestNumber = 0; // the highest number of all lines that arrived
  #newWhilePaused = 0;
  #currentId = ""; // the line that a strip shows
  #rotateAt = 0; // when a strip goes on to the next line
  /** @type {HTMLElement | undefined} */
  #movingFocus; // the focused element of a line that moves, while it is out of the document

  #testMark = make("strong", "test");
  #title = make("span", "title");
  #status = make("span", "status", { role: "status" });
  #newButton = make("button", "new", { onclick: () => this.resume() });
  #previousButton = make("button", "previous", { onclick: () => this.#stepByHand(-1) }, "‹");
  #count = make("span", "count");
  #nextButton = make("button", "next", { onclick: () => this.#stepByHand(1) }, "›");
  #pauseButton = make("button", "pause", { onclick: () => (this.paused ? this.resume() : this.pause()) });
  #header = make(
    "div", "header", {},
    this.#testMark, this.#title, this.#status,
    this.#newButton, this.#previousButton, this.#count, this.#nextButton, this.#pauseButton,
  );
  #list = new LineList();
  #fallback = make("slot", ""); // shows the content that the page gives, while the list is empty
  #view = make("section", "view", {}, this.#list.node, this.#fallback);
  #announcer = new Announcer();
  #crawl = new Crawl(this.#view, this.#list.node, () => this.#scheduleRender());
  #row = make("div", "", { className: "row" }, this.#header, this.#view);
  #frame = make("div", "ticker", {}, this.#row, this.#announcer.region);
  #root = this.attachShadow({ mode: "open" });

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.append(this.#frame);
    for (const type of ["pointerenter", "pointerleave", "focusin", "focusout"])
      this.#view.addEventListener(type, ({ target }) => {
        const item = type === "focusin" && /** @type {Element} */ (target).closest("li");
        if (item) this.#crawl.bringIntoSight(item);
        this.#updateCrawl();
      });
  }

  // Attributes and properties

  /** How many lines are shown: 1 to 100. */
  get size() {
    const size = Math.trunc(Number(this.getAttribute("lines") ?? DEFAULT_SIZE));
    return size >= 1 && size <= SIZE_MAX ? size : DEFAULT_SIZE;
  }

  /** list, strip or crawl. A crawl is a strip for readers who prefer reduced motion. */
  get layout() {
    const layout = this.getAttribute("layout") ?? "";
    if (layout === "crawl" && reducedMotion.matches) return "strip";
    return ["strip", "crawl"].includes(layout) ? layout : "list";
  }

  /** Whether a reader can see the element now. */
  get isVisible() {
    return this.#isInViewport && !document.hidden;
  }

  /** idle, connecting, live, waiting (to reconnect), offline or stopped (refused: it retries slowly). */
  get state() {
    return this.#link?.state ?? "idle";
  }

  /** The reader's position in the edition's log, or an empty text before the first message. */
  get position() {
    return this.#link?.position ?? "";
  }

  get paused() {
    return this.hasAttribute("paused");
  }

  /** Keep the present lines. Withdrawn lines still disappear. */
  pause() {
    this.toggleAttribute("paused", true);
  }

  /** Show the newest lines again. */
  resume() {
    this.toggleAttribute("paused", false);
  }

  connectedCallback() {
    elements.add(this);
    viewportObserver.observe(this);
    this.#connect();
  }

  disconnectedCallback() {
    elements.delete(this);
    viewportObserver.unobserve(this);
    this.#isInViewport = false;
    this.#leaveLink();
  }

  /** @param {string} name @param {string | null} before @param {string | null} value */
  attributeChangedCallback(name, before, value) {
    if (before === value || !this.isConnected) return;
    if (name === "paused") {
      this.#newWhilePaused = 0;
      if (value === null) this.#currentId = ""; // a strip continues with the newest line
      this.#announcer.drop();
    }
    this.#connect();
  }

  // The connection

  /** @param {boolean} isInViewport */
  setInViewport(isInViewport) {
    this.#isInViewport = isInViewport;
    this.#link?.update();
    this.#updateCrawl();
  }

  #leaveLink() {
    this.#link?.members.delete(this);
    this.#link?.update();
    this.#link = undefined;
  }

  /** Follow the edition and the selection of the attributes, and show the lines that are known already. */
  #connect() {
    const url = linkUrl(this);
    if (url !== this.#url || !this.#link) {
      if (url !== this.#url) this.#lines = [];
      this.#leaveLink();
      this.#url = url;
      if (url) {
        this.#link = Link.shared(url);
        this.#link.members.add(this);
        this.#adoptRenderedBoard(this.#link);
      }
    }
    this.#link?.update();
    this.render();
    updateAll();
  }

  /**
   * Start from the board message of a server-rendered page. Remove the rendered lines, because a line that is withdrawn
   * later has to disappear from the whole document.
   * @param {Link} link
   */
  #adoptRenderedBoard(link) {
    const script = this.querySelector("script[type='application/json']");
    if (!script) return;
    attempt(() => link.startFrom(JSON.parse(script.textContent ?? ""), this.size)); // if invalid, the server sends one
    this.replaceChildren();
  }

  /**
   * Handle a message of the link, or a change of its state.
   * @param {Message | null} message null if only the state changed
   * @param {boolean} isNew whether the message has a new version of a line
   */
  receive(message, isNew) {
    if (!message) this.#dispatch("state", { state: this.state });
    else if (message.type === "board") this.#lines = []; // even while paused: the board may be of another history
    else if (message.type === "line" && isNew) this.#receiveLine(message.line);
    else if (message.type === "forget") this.#forget(message.lines);
    this.#scheduleRender();
  }

  /** @param {Line} line */
  #receiveLine(line) {
    const live = this.state === "live";
    if (line.status !== "usable") this.#removeText(line);
    else if (line.number > this.#newestNumber) {
      this.#newestNumber = line.number;
      if (this.paused) this.#newWhilePaused++;
      else this.#currentId = line.id;
    }
    if (live) {
      this.#announce(line);
      markFresh(line);
    }
    this.#dispatch("line", { line, live });
  }

  /** @param {string} name @param {object} detail */
  #dispatch(name, detail) {
    this.dispatchEvent(new CustomEvent(`ticker:${name}`, { detail, bubbles: true, composed: true }));
  }

  /**
   * Remove the text of a hidden or withdrawn line immediately: from the list, also while paused, and from announcements.
   * @param {Line} line
   */
  #removeText(line) {
    this.#announcer.drop(line.id);
    this.#lines = this.#lines
      .map((other) => (other.id === line.id ? line : other))
      .filter((other) => other.status !== "withheld");
    this.#list.change(line);
  }

  /** Drop old lines, also while paused: nobody could withdraw them here any more. @param {string[]} ids */
  #forget(ids) {
    this.#lines = this.#lines.filter(({ id }) => !ids.includes(id));
    for (const id of ids) this.#announcer.drop(id);
  }

  /** @param {Line} line */
  #announce(line) {
    const isAnnounced =
      line.status === "usable"
        ? ANNOUNCED_CHANGES.includes(line.change)
        : line.status === "canceled" && line.change === "withdraw" && !line.expires_at; // it shows a notice
    // Only one of the elements that share a link announces: the first one that is visible and not silenced.
    const speaker = [...elements].find(
      (other) =>
        other.#link === this.#link && other.getAttribute("announce") !== "off" && !other.paused && other.isVisible,
    );
    if (this !== speaker || !isAnnounced) return;
    this.#announcer.add(line);
    updateAll();
  }

  // Time

  get #clockOffset() {
    return this.#link?.clockOffset ?? 0;
  }

  /** Do everything that is due at `now`. Return the time of the next thing to do. @param {number} now in milliseconds */
  update(now) {
    const boardChange = nextBoardChange(this.#lines, this.#renderedAt) - this.#clockOffset;
    if (boardChange <= now) this.#scheduleRender();
    this.#list.updateAges(now);
    const announcement = this.#announcer.update(now, this.#list.words.more, (line) => [
      this.#list.labelOf(line)[1],
      " ",
      ...this.#list.textOf(line),
    ]);
    return Math.min(boardChange, announcement, this.#rotate(now));
  }

  /** Show the next line of a strip if its time has come. Return the time of the next one, or Infinity. @param {number} now */
  #rotate(now) {
    const interval = 1000 * Number(this.getAttribute("interval"));
    if (this.layout !== "strip" || !(interval >= ROTATION_MINIMUM_MS) || reducedMotion.matches) return Infinity;
    if (now >= this.#rotateAt) {
      if (this.#rotateAt && this.isVisible && !this.#isHeld) this.#step(1);
      this.#rotateAt = now + interval;
    }
    return this.#rotateAt;
  }

  /** Whether the reader holds the lines: it is paused, or a line is pointed at or has the focus. */
  get #isHeld() {
    return this.paused || this.#view.matches(":hover, :focus-within");
  }

  // The board

  /** Render with the next frame, however often this is called. */
  #scheduleRender() {
    if (this.#isRenderScheduled) return;
    this.#isRenderScheduled = true;
    if (document.hidden) queueMicrotask(() => this.render());
    else requestAnimationFrame(() => this.render());
  }

  render() {
    this.#isRenderScheduled = false;
    this.#renderedAt = Date.now() + this.#clockOffset;
    if (!this.paused || !this.#lines.length)
      this.#lines = this.#link?.fold.lines(this.#renderedAt, this.size) ?? [];
    const { layout } = this;
    const focused = this.#movingFocus ?? /** @type {HTMLElement | null} */ (this.#root.activeElement);
    const view = this.#view;
    const heightBefore = view.scrollHeight;
    const [lines, start] = layout === "crawl" ? this.#crawl.order(this.#lines, this.#list.nodeOf) : [this.#lines, 0];
    this.#updateInterface(layout);
    if (!this.#list.update(lines, layout === "list" && !document.hidden)) this.#scheduleRender();
    this.#step(0);
    if (layout === "crawl") {
      this.#crawl.start(start);
      this.#updateCrawl();
    } else {
      this.#crawl.stop();
    }
    // Readers who have scrolled down keep the lines that they are reading in sight.
    if (view.scrollTop > 0) view.scrollTop += view.scrollHeight - heightBefore;
    view.tabIndex = view.scrollHeight > view.clientHeight + 1 ? 0 : -1; // a view that scrolls needs the keyboard
    this.#restoreFocus(focused);
  }

  /**
   * Return the focus to the element that had it before rendering, or to the view if the line is gone.
   * @param {HTMLElement | null} focused
   */
  #restoreFocus(focused) {
    const isMoving = this.#movingFocus;
    this.#movingFocus = undefined;
    if (!focused || (!isMoving && this.#root.activeElement)) return;
    if (!focused.isConnected && this.#list.nodeOf({ id: focused.closest("li")?.id ?? "" })) this.#movingFocus = focused;
    (focused.isConnected ? focused : this.#view).focus({ preventScroll: true });
  }

  /** Update everything around the list. @param {string} layout */
  #updateInterface(layout) {
    const edition = this.#link?.edition;
    const { state } = this;
    const lang = this.lang || edition?.lang || "en";
    const words = { ...wordsOf(lang), ...attempt(() => JSON.parse(this.getAttribute("words") ?? "{}")) };
    Object.assign(this.#list, { lang, words });
    const label = this.getAttribute("label") ?? edition?.title ?? "";
    const testMark = edition?.test ? words.test : "";
    Object.assign(this.#frame, { lang, dir: edition?.dir ?? "", className: layout });
    this.#frame.dataset.state = state;
    this.#frame.style.setProperty("--lines", `${this.size}`);
    this.#crawl.isRightToLeft = this.#frame.dir === "rtl";
    setText(this.#testMark, testMark);
    this.#testMark.hidden = !testMark;
    this.#view.ariaLabel = `${testMark} ${label}`.trim();
    this.#previousButton.ariaLabel = words.previous;
    this.#nextButton.ariaLabel = words.next;
    setText(this.#title, label);
    const boardState = this.#link?.isIncomplete ? words.incomplete : "";
    setText(this.#status, words[state] ?? (this.paused ? words.paused : boardState));
    setText(this.#pauseButton, this.paused ? words.resume : words.pause);
    setText(this.#newButton, words.more + this.#newWhilePaused);
    this.#newButton.hidden = !this.#newWhilePaused;
    this.#previousButton.hidden = this.#count.hidden = this.#nextButton.hidden = layout !== "strip";
    setText(this.#fallback, state === "live" ? words.empty : ""); // shown if the page gives no content of its own
    this.#fallback.hidden = this.#lines.length > 0;
  }

  /** @param {number} by */
  #stepByHand(by) {
    this.pause();
    this.#step(by);
  }

  /** Show another line of the strip. @param {number} by 1: the next, -1: the previous, 0: the same */
  #step(by) {
    const lines = this.#lines;
    const before = Math.max(0, lines.findIndex((line) => line.id === this.#currentId));
    const current = (before + by + lines.length) % lines.length;
    this.#currentId = lines[current]?.id ?? "";
    setText(this.#count, lines[current] ? `${current + 1}/${lines.length}` : "");
    this.#list.showOnly(this.layout === "strip" ? this.#currentId : undefined);
  }

  #updateCrawl() {
    this.#crawl.setRunning(this.isVisible && !this.#isHeld);
  }
}
