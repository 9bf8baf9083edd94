/** The element: its attributes, its connection, its lines, and what it announces. */

import { Announcer } from "./announcer.js";
import { attempt } from "./dom.js";
import { nextBoardChange } from "./fold.js";
import { Interface } from "./interface.js";
import { Link, linkUrl } from "./link.js";
import { markFresh } from "./list.js";
import { sheet } from "./styles.js";
import { wordsOf } from "./words.js";

/**
 * @typedef {import("./fold.js").Line} Line
 * @typedef {import("./fold.js").Message} Message
 */

const AGE_UPDATE_MS = 20_000; // how long a shown age may be out of date
const TIMER_MINIMUM_MS = 50;
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
  #announcer = new Announcer();
  #interface = new Interface({
    pause: () => this.pause(),
    resume: () => this.resume(),
    render: () => this.#scheduleRender(),
  });
  #root = this.attachShadow({ mode: "open" });

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.append(this.#interface.frame);
    this.#interface.frame.append(this.#announcer.region);
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
      if (value === null) this.#interface.currentId = ""; // a strip continues with the newest line
      this.#announcer.drop();
    }
    this.#connect();
  }

  // The connection

  /** @param {boolean} isInViewport */
  setInViewport(isInViewport) {
    this.#isInViewport = isInViewport;
    this.#link?.update();
    this.#interface.setVisible(this.isVisible);
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
      else this.#interface.currentId = line.id;
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
    this.#interface.list.change(line);
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
    const { list } = this.#interface;
    list.updateAges(now);
    const announcement = this.#announcer.update(now, list.words.more, (line) => [
      list.labelOf(line)[1],
      " ",
      ...list.textOf(line),
    ]);
    return Math.min(boardChange, announcement, this.#interface.rotate(now));
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
    const { edition, isIncomplete } = this.#link ?? {};
    const lang = this.lang || edition?.lang || "en";
    this.#interface.render({
      edition,
      isIncomplete,
      lang,
      layout: this.layout,
      size: this.size,
      lines: this.#lines,
      state: this.state,
      isPaused: this.paused,
      newWhilePaused: this.#newWhilePaused,
      isVisible: this.isVisible,
      interval: 1000 * Number(this.getAttribute("interval")),
      isStill: reducedMotion.matches,
      label: this.getAttribute("label") ?? edition?.title ?? "",
      words: { ...wordsOf(lang), ...attempt(() => JSON.parse(this.getAttribute("words") ?? "{}")) },
    });
  }
}
