/**
 * The link: the lines, the position and the state that all elements with the same edition and selection share.
 *
 * Its messages come from its own connection, or from another tab of the site that has one.
 */

import { HAS_TOKENS, numberOf, tokenOf } from "./access.js";
import { URGENCY_LAST } from "./attributes.js";
import { RETRY_DELAY_MS } from "./connection.js";
import { attempt } from "./dom.js";
import { Fold, toMilliseconds } from "./fold.js";
import { FOLLOWING } from "./sharing.js";
import { Tabs } from "./tabs.js";

/**
 * @typedef {import("./fold.js").Board} Board
 * @typedef {import("./fold.js").Message} Message
 */

/**
 * An element that uses a link. `size()`: how many lines it shows. `isVisible()`: whether a reader can see it now.
 * `receive` gets each message, or null when only the link's state changed; `isNew`: the message has a new version.
 * @typedef {{ size(): number, isVisible(): boolean, receive(message: Message | null, isNew: boolean): void }} Member
 */

const SUSPEND_AFTER_MS = 30_000; // how long no element is visible before the connection is closed

/**
 * Return the URL of the link for the attributes of an element: the edition's address, with the selection and the
 * language of the words as its query, and the transport as its fragment. Elements with equal URLs share a link. The
 * URL is empty without an edition, and without a valid server, which is logged.
 * @param {import("./attributes.js").Properties & { lang: string }} element
 */
export function linkUrl(element) {
  const { edition, server } = element;
  if (!edition) return "";
  // The module is at /widget/ticker.js or /widget/<release>/ticker.js on its server. In the npm package it is nowhere.
  const ownServer = import.meta.url.replace(/(\/widget)?\/[^/]*(\/[^/]*\.js)?$/, "/");
  const url = attempt(
    () =>
      new URL(
        `v1/${encodeURIComponent(edition)}`,
        server ? new URL(server.replace(/\/*$/, "/"), document.baseURI) : ownServer,
      ),
  );
  if (!url) {
    console.error(`breaking-ticker: set "server" to the address of the ticker's server, not to "${server}"`);
    return "";
  }
  for (const name of /** @type {const} */ (["section", "region", "urgency", "lang"]))
    for (const value of new Set(`${element[name]}`.match(/[^\s,]+/g)?.sort()))
      if (value !== `${URGENCY_LAST}`) url.searchParams.append(name, value);
  url.hash = element.transport;
  // An element with a token has a link of its own. The token itself is in no URL.
  if (HAS_TOKENS && tokenOf(element)) url.hash += `/${numberOf(element)}`;
  return url.href;
}

/** The links by their URLs. All elements with the same URL share one. @type {Map<string, Link>} */
export const links = new Map();

/** A connection with its fold and its position. Elements share it, and the tabs of a site do, too. */
export class Link extends Tabs {
  fold = new Fold();
  /** The latest board message without its lines. @type {Board | undefined} */
  boardHead;
  /** How far the clock of the server is ahead of the reader's, in milliseconds. Expiries and pins need it. */
  skew = 0;
  /** idle, connecting, live, waiting (to reconnect), offline or stopped (refused: it retries slowly). */
  state = "idle";
  /** How many lines the board has. */
  size = 0;
  /** @type {Set<Member>} */
  members = new Set();
  #suspendTimer = 0;

  /** @param {string} url from `linkUrl` */
  constructor(url) {
    super(url);
    links.set(url, this);
  }

  /**
   * Start from the board message of a rendered page, unless a board of that size or a connection is there already.
   * @param {Board} board
   * @param {number} size how many lines the board was made for
   */
  startFrom(board, size) {
    if (this.state !== "idle" || size <= this.size) return;
    this.size = size;
    this.apply(board);
  }

  /** The board message for a tab that starts now, once there was one: the edition, and the present lines. */
  get boardMessage() {
    return { .../** @type {Board} */ (this.boardHead), position: this.position, lines: this.newestLines(this.size) };
  }

  /** The time by the clock of the server, in milliseconds. */
  get serverTime() {
    return Date.now() + this.skew;
  }

  /** Return the lines that are on a board of `size` now. @param {number} size */
  newestLines(size) {
    return this.fold.lines(this.serverTime, size, this.boardHead?.edition?.notices);
  }

  // Called by elements and for events of the page

  /** Connect or disconnect after members were added or removed, or became visible or hidden. */
  adjust() {
    clearTimeout(this.#suspendTimer);
    const members = [...this.members];
    const isNeeded = members.some((member) => member.isVisible());
    const size = Math.max(0, ...members.map((member) => member.size()));
    if (isNeeded && size > this.size) {
      this.size = size;
      this.renew();
    }
    if (isNeeded && this.state === "idle") {
      this.setState("connecting");
      this.joinTabs();
    }
    // Even without members this takes a timer: an element that moves in the document leaves and returns in one step.
    if (!isNeeded) this.#suspendTimer = setTimeout(() => this.suspend(), members.length ? SUSPEND_AFTER_MS : 0);
  }

  /** Disconnect, and keep the lines and the position. Another tab may lead. */
  suspend() {
    this.leave();
    this.setState("idle");
    if (!this.members.size) links.delete(this.ownUrl);
  }

  /** Reconnect if the connection is lost or stale: the page is visible again, or the network is back. */
  wake(delay = 0) {
    if (this.tabRole !== FOLLOWING) this.recover(delay);
    this.adjust();
  }

  // Called by the connection and for posts of other tabs

  /**
   * Apply a message of the connection, and pass it on to the other tabs. Return whether it has a new version of a line.
   * @param {Message} message
   */
  receive(message) {
    const from = this.position;
    const isNew = this.apply(message);
    this.post({ from, message });
    return isNew;
  }

  /**
   * Apply a message to the fold and the position. Return whether it has a new version of a line.
   * @param {Message} message
   */
  apply(message) {
    let isNew = false;
    if (message.type === "board") {
      this.fold.reset(message.lines); // before the head: it throws if the message is broken
      this.boardHead = { ...message, lines: [] }; // a withdrawn text may not stay in memory
    } else if (message.type === "line") {
      isNew = this.fold.apply(message.line);
      this.fold.trim(this.serverTime, this.size);
    } else if (message.type === "forget") this.fold.forget(message.lines);
    this.pass(message);
    return isNew;
  }

  /**
   * Show a message that was applied, or another state (null).
   * @param {Message | null} message
   * @param {boolean} [isNew]
   */
  deliver(message, isNew = false) {
    if (message?.type === "live") {
      this.skew = toMilliseconds(message.now) - Date.now() || 0; // earlier gateways give no time
      this.setState("live");
    }
    for (const member of this.members) member.receive(message, isNew);
  }

  /** @param {string} state */
  setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.post({});
    this.deliver(null);
  }
}

/**
 * Listen to an event of the whole page once for all links. Do nothing on a server.
 * @param {string} type
 * @param {(link: Link) => void} act
 */
const onPageEvent = (type, act) => globalThis.addEventListener?.(type, () => links.forEach(act), true);

// A browser puts no page with an open connection or a lock in its back/forward cache. A frozen page would keep both.
onPageEvent("pagehide", (link) => link.suspend());
onPageEvent("freeze", (link) => link.suspend());
onPageEvent("pageshow", (link) => link.wake());
onPageEvent("resume", (link) => link.wake());
onPageEvent("offline", (link) => link.networkLost());
onPageEvent("online", (link) => link.wake(RETRY_DELAY_MS));
onPageEvent("visibilitychange", (link) => (document.hidden ? link.adjust() : link.wake()));
