/** The element: its connection, its lines, what it announces, and what host pages can do with it. */

// The style sheet comes first in the bundle: side by side, code and rules compress better. So does this order.
import { styleSheet } from "./styles.js";

import { freshLines } from "./list.js";
import { HAS_TOKENS, defineToken, renewToken, tokenOf } from "./access.js";
import { Announcer } from "./announcer.js";
import { attempt } from "./dom.js";
import { Attributes, upgradeProperties } from "./attributes.js";
import { nextBoardChange } from "./fold.js";
import { likelyLanguage, wordsOf } from "./words.js";
import { Interface } from "./interface.js";
import { Link, linkUrl, links } from "./link.js";

/**
 * @typedef {import("./fold.js").Line} Line
 * @typedef {import("./fold.js").Message} Message
 * @typedef {"idle" | "connecting" | "live" | "waiting" | "offline" | "stopped"} State
 */

const AGE_UPDATE_MS = 20_000; // how long a shown age may be out of date
const TIMER_MINIMUM_MS = 50;
const ANNOUNCED_CHANGES = ["new", "update", "correct", "unhide", "withdraw"];

const prefersReducedMotion = () => matchMedia("(prefers-reduced-motion)");

/** Freeze an array, because pages get it. @param {Line[]} lines */
const freeze = (lines) => /** @type {Line[]} */ (Object.freeze(lines));

/** The elements in the document. @type {Set<BreakingTicker>} */
const elements = new Set();
let pageTimer = 0;
/** @type {IntersectionObserver | undefined} */
let viewportObserver;

/**
 * `<breaking-ticker>`: live breaking news.
 *
 * Its attributes are its state; an invalid value counts as not set.
 * @tag breaking-ticker
 * @prop {string} token - The token of a private edition, or an empty text. Only `ticker-private.js` and the npm package
 *   have it.
 * @attr {string} lang - The language of the controls, such as `es`. By default the one of the edition.
 * @fires {CustomEvent<{ board: readonly Line[] }>} ticker:board - The first board has arrived, or other lines show.
 * @fires {CustomEvent<{ line: Line, live: boolean }>} ticker:line - A version of a line that the reader hadn't seen.
 * @fires {CustomEvent<{ paused: boolean }>} ticker:paused - The reader or the page has paused or resumed.
 * @fires {CustomEvent<{ state: State }>} ticker:state - The state of the connection has changed.
 * @fires {CustomEvent<{ refused: boolean }>} ticker:token - The edition is private, and the element needs a new token.
 */
export class BreakingTicker extends Attributes {
  /** @type {import("./link.js").Link | undefined} */
  #link;
  #url = ""; // of the link
  #isInViewport = false;
  #board = freeze([]); // it doesn't change while the element is paused
  #reportedBoard = this.#board; // by the latest event
  #isConnectScheduled = false;
  #isRenderScheduled = false;
  #boardAt = 0; // when the board was computed, by the clock of the server
  #newestNumber = 0; // the highest number of all lines that arrived
  #wasPaused = false;
  #newWhilePaused = 0;
  #announcer = new Announcer();
  #interface = new Interface(this, () => this.#scheduleRender());
  /** The members that the link uses. Pages can't reach them. @type {import("./link.js").Member} */
  #member = {
    size: () => this.lines,
    isVisible: () => this.#isVisible,
    receive: (message, isNew) => this.#receive(message, isNew),
  };

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [styleSheet()];
    root.append(this.#interface.frame);
    this.#interface.frame.append(this.#announcer.node);
  }

  // The public members, beside the properties of the attributes

  /**
   * The state of the connection. `stopped`: the server refuses the page or the edition, and the element retries slowly.
   * @type {State}
   */
  get state() {
    return /** @type {State} */ (this.#link?.state ?? "idle");
  }

  /** The reader's position in the edition's log, or an empty text before the first message. @type {string} */
  get position() {
    return this.#link?.position ?? "";
  }

  /**
   * The lines that show now. Array and lines are frozen, and each change makes a new array.
   * @type {readonly Line[]}
   */
  get board() {
    return this.#board;
  }

  /** Keep the present lines. Withdrawn lines still disappear. */
  pause() {
    this.paused = true;
  }

  /** Show the newest lines again. */
  resume() {
    this.paused = false;
  }

  static {
    if (HAS_TOKENS) defineToken(this.prototype, (element) => elements.has(element) && element.#scheduleConnect());
  }

  connectedCallback() {
    upgradeProperties(this);
    this.#wasPaused = this.paused;
    elements.add(this);
    viewportObserver ??= BreakingTicker.#watchPage();
    viewportObserver.observe(this);
    this.#scheduleConnect();
  }

  disconnectedCallback() {
    elements.delete(this);
    viewportObserver?.unobserve(this);
    this.#isInViewport = false;
    this.#leaveLink();
  }

  /** @param {string} _name @param {string | null} before @param {string | null} value */
  attributeChangedCallback(_name, before, value) {
    if (before === value || !elements.has(this)) return;
    if (this.paused !== this.#wasPaused) {
      this.#wasPaused = this.paused;
      this.#newWhilePaused = 0;
      if (!this.paused) this.#interface.currentId = ""; // a strip continues with the newest line
      this.#announcer.drop();
      this.#dispatch("paused", { paused: this.paused });
    }
    this.#scheduleConnect();
  }

  // All elements of the page

  /** Watch the page. The first element calls this, because a server may import the module. */
  static #watchPage() {
    addEventListener("visibilitychange", BreakingTicker.#updateAll);
    prefersReducedMotion().addEventListener("change", () => elements.forEach((each) => each.#render()));
    return new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of /** @type {{ target: any, isIntersecting: boolean }[]} */ (entries))
          if (elements.has(target)) target.#setInViewport(isIntersecting);
      },
      { rootMargin: "200px" },
    );
  }

  /** Update ages, expiries, rotations and announcements of all elements. They share one timer. */
  static #updateAll() {
    clearTimeout(pageTimer);
    const now = Date.now();
    const next = Math.min(now + AGE_UPDATE_MS, ...[...elements].map((each) => each.#update(now)));
    if (elements.size) pageTimer = setTimeout(BreakingTicker.#updateAll, Math.max(TIMER_MINIMUM_MS, next - now));
  }

  // The connection

  /** Whether a reader can see the element now. */
  get #isVisible() {
    return this.#isInViewport && !document.hidden;
  }

  /** @param {boolean} isInViewport */
  #setInViewport(isInViewport) {
    this.#isInViewport = isInViewport;
    this.#link?.adjust();
    this.#interface.setVisible(this.#isVisible);
  }

  #leaveLink() {
    this.#link?.members.delete(this.#member);
    this.#link?.adjust();
    this.#link = undefined;
  }

  /** Connect soon, but once: a page or a framework may set several attributes one after the other. */
  #scheduleConnect() {
    if (this.#isConnectScheduled) return;
    this.#isConnectScheduled = true;
    queueMicrotask(() => {
      this.#isConnectScheduled = false;
      if (elements.has(this)) this.#connect();
    });
  }

  /** Follow the edition and the selection of the attributes, and show the lines that are known already. */
  #connect() {
    const url = linkUrl(this);
    if (url !== this.#url || !this.#link) {
      this.#board = freeze([]); // even while paused: it may have missed a withdrawal outside of the document
      this.#leaveLink();
      this.#url = url;
      if (url) {
        this.#link = links.get(url) ?? new Link(url);
        this.#link.members.add(this.#member);
        this.#adoptRenderedBoard(this.#link);
      }
    }
    if (HAS_TOKENS && this.#link) renewToken(this.#link, tokenOf(this));
    this.#link?.adjust();
    this.#render();
    BreakingTicker.#updateAll();
  }

  /**
   * Start from the board message of a server-rendered page. Remove the rendered lines, because a line that is withdrawn
   * later has to disappear from the whole document.
   * @param {import("./link.js").Link} link
   */
  #adoptRenderedBoard(link) {
    const script = this.querySelector("script[type$='/json']");
    if (!script) return;
    attempt(() => link.startFrom(JSON.parse(script.textContent ?? ""), this.lines)); // if invalid, the server sends one
    this.replaceChildren();
  }

  /**
   * Handle a message of the link, or a change of its state.
   * @param {Message | null} message null if only the state changed
   * @param {boolean} isNew whether the message has a new version of a line
   */
  #receive(message, isNew) {
    if (HAS_TOKENS && message?.type === "token") return this.#dispatch("token", { refused: isNew });
    if (!message) this.#dispatch("state", { state: this.state });
    else if (message.type === "board") this.#board = this.#newestLines(); // even while paused: it may be of another history
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
      freshLines.add(line);
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
    this.#setBoard(
      this.#board
        .map((other) => (other.id === line.id ? line : other))
        .filter((other) => other.status !== "withheld"),
    );
    this.#interface.list.changeItem(line);
  }

  /** Drop old lines, also while paused: nobody could withdraw them here any more. @param {string[]} ids */
  #forget(ids) {
    this.#setBoard(this.#board.filter(({ id }) => !ids.includes(id)));
    for (const id of ids) this.#announcer.drop(id);
  }

  /** @param {Line} line */
  #announce(line) {
    // A withdrawn line shows a notice, unless that has ended already.
    const hasText = line.status === "usable" || !(/** @type {string} */ (line.expires_at) <= line.updated_at);
    const isAnnounced = ANNOUNCED_CHANGES.includes(line.change) && hasText;
    // Only one of the elements that share a link announces: the first one that is visible and not silenced.
    const speaker = [...elements].find(
      (other) => other.#link === this.#link && other.announce === "on" && !other.paused && other.#isVisible,
    );
    if (this !== speaker || !isAnnounced) return;
    this.#announcer.enqueue(line);
    BreakingTicker.#updateAll();
  }

  // Time

  /** Do everything that is due at `now`. Return the time of the next thing to do. @param {number} now in milliseconds */
  #update(now) {
    const boardChange = nextBoardChange(this.#board, this.#boardAt) - (this.#link?.skew ?? 0);
    if (boardChange <= now) this.#scheduleRender();
    const { list } = this.#interface;
    list.updateAges(now);
    const announcement = this.#announcer.announceDue(now, list.moreText, (line) => [
      list.labelOf(line),
      " ",
      ...list.textOf(line),
    ]);
    return Math.min(boardChange, announcement, this.#interface.rotate(now));
  }

  // The board

  /** Return the lines that are on the board now, if it isn't paused. */
  #newestLines() {
    this.#boardAt = this.#link?.serverTime ?? 0;
    return freeze(this.#link?.newestLines(this.lines) ?? []);
  }

  /** Replace the board, unless it has the same lines. @param {Line[]} board */
  #setBoard(board) {
    const isOther = (/** @type {Line} */ line, /** @type {number} */ index) => line !== this.#board[index];
    if (board.length !== this.#board.length || board.some(isOther)) this.#board = freeze(board);
  }

  /** Render with the next frame, however often this is called. */
  #scheduleRender() {
    if (this.#isRenderScheduled) return;
    this.#isRenderScheduled = true;
    (document.hidden ? queueMicrotask : requestAnimationFrame)(() => this.#render());
  }

  #render() {
    this.#isRenderScheduled = false;
    const lines = this.#newestLines();
    if (!this.paused || !this.#board.length) this.#setBoard(lines);
    const { edition, incomplete } = this.#link?.boardHead ?? {};
    const lang = this.lang || edition?.lang || likelyLanguage(this);
    const isStill = prefersReducedMotion().matches;
    const layout = isStill && this.layout === "crawl" ? "strip" : this.layout;
    this.#interface.render({
      edition,
      incomplete,
      lang,
      layout,
      size: this.lines,
      lines: this.#board,
      state: this.state,
      isEcho: [...elements].some((other) => other !== this && other.#interface.frame.dataset.state === this.state),
      paused: this.paused,
      newWhilePaused: this.#newWhilePaused,
      isVisible: this.#isVisible,
      interval: isStill ? 0 : 1000 * this.interval,
      label: this.label,
      // Lines without a link lead to the edition's page, except in a list.
      href: this.getAttribute("href") ?? (layout === "list" ? "" : this.#url.replace(/\/v1\/([^/#]*).*/, "/$1")),
      words: { ...wordsOf(lang, edition), ...this.words },
    });
    this.#reportBoard();
  }

  /** Fire `ticker:board` for the first board, and whenever other lines show. */
  #reportBoard() {
    if (!this.#link?.boardHead || this.#board === this.#reportedBoard) return;
    this.#reportedBoard = this.#board;
    this.#dispatch("board", { board: this.#board });
  }
}
