/**
 * The link: one connection to a gateway, which all elements with the same edition and selection share.
 *
 * It reconnects, resumes from its position, and chooses between Server-Sent Events and a WebSocket.
 */

import { URGENCY_LAST } from "./attributes.js";
import { attempt } from "./dom.js";
import { Fold, toMilliseconds } from "./fold.js";

/**
 * @typedef {import("./fold.js").Board} Board
 * @typedef {import("./fold.js").Edition} Edition
 * @typedef {import("./fold.js").Message} Message
 */

/**
 * An element that uses a link. `size`: how many lines it shows. `isVisible`: whether a reader can see it now.
 * `receive` gets each message, or null when only the link's state changed; `isNew`: the message has a new version.
 * @typedef {{ size: number, isVisible: boolean, receive(message: Message | null, isNew: boolean): void }} Member
 */

const FIRST_MESSAGE_TIMEOUT_MS = 10_000; // from opening a connection to its first message
const SILENCE_TIMEOUT_MS = 60_000; // the gateway sends a heartbeat at least every 25 s, so two are missing
const STABLE_AFTER_MS = 10_000; // a connection that was live for this long resets the backoff
const RETRY_DELAY_MS = 1_000;
const RETRY_DELAY_MAX_MS = 30_000;
const STOPPED_DELAY_MAX_MS = 300_000; // between two requests while the server refuses this page or its edition
const SUSPEND_AFTER_MS = 30_000; // how long no element is visible before the connection is closed
const SLOTS = 4; // of the six connections per host that a browser opens over HTTP/1.1
const CLOSED_AS_REFUSED = 4000; // close codes from here on allow to reconnect only slowly

/**
 * Take one of the slots for event streams that all pages of a site share in one browser. Without a limit, event streams
 * could use all of the connections per host over HTTP/1.1, and other requests would wait. WebSockets don't count there.
 *
 * Resolve to a function that frees the slot, or to null if all slots are in use. Reject if the page can't use locks
 * (an insecure context or an opaque origin).
 * @returns {Promise<(() => void) | null>}
 */
function acquireSlot(number = 1) {
  return new Promise((/** @type {(release: any) => void} */ resolve, reject) => {
    navigator.locks
      .request(`breaking-ticker${number}`, { ifAvailable: true }, (lock) => {
        if (lock) return new Promise(resolve); // the lock is held until this promise resolves
        return resolve(number < SLOTS ? acquireSlot(number + 1) : null);
      })
      .catch(reject);
  });
}

/**
 * Return the URL of the link for the attributes of an element: the edition's address, with the selection and the
 * language of the words as its query, and the transport as its fragment. Elements with equal URLs share a link. The URL is empty without an edition, and
 * without a valid server, which is logged.
 * @param {import("./attributes.js").Properties & { lang: string }} element
 */
export function linkUrl(element) {
  const { edition, server, urgency, lang } = element;
  if (!edition) return "";
  // The module is at /widget/ticker.js or /widget/<release>/ticker.js on its server. In the npm package it is nowhere.
  const ownServer = import.meta.url.replace(/(\/widget)?\/[^/]*(\/[^/]*\.js)?$/, "/");
  const url = attempt(() => {
    const base = server ? new URL(server.replace(/\/*$/, "/"), document.baseURI) : ownServer;
    return new URL(`v1/${encodeURIComponent(edition)}`, base);
  });
  if (!url) {
    console.error(`breaking-ticker: set "server" to the address of the ticker's server, not to "${server}"`);
    return "";
  }
  for (const name of /** @type {const} */ (["section", "region"]))
    for (const value of new Set(element[name].match(/[^\s,]+/g)?.sort())) url.searchParams.append(name, value);
  if (urgency < URGENCY_LAST) url.searchParams.append("urgency", `${urgency}`);
  if (lang) url.searchParams.append("lang", lang);
  url.hash = element.transport;
  return url.href;
}

/** @type {Map<string, Link>} */
const links = new Map();

/** The connection that elements share, with its fold and its position. */
export class Link {
  fold = new Fold();
  /** @type {Edition | undefined} */
  edition;
  /** Whether lines may be missing or outdated, because the edition's log is damaged. */
  isIncomplete = false;
  /** How far the clock of the server is ahead of the reader's, in milliseconds. Expiries and pins need it. */
  clockOffset = 0;
  /** The position of the last message: reconnecting continues after it. */
  position = "";
  /** idle, connecting, live, waiting (to reconnect), offline or stopped (refused: it retries slowly). */
  state = "idle";
  /** @type {Set<Member>} */
  members = new Set();
  #url;
  #requestedTransport; // by the `transport` attribute: "events" (only events), "socket" (a socket first) or ""
  #nextTransport = ""; // "events" or "socket" after the other one failed
  #usesEvents = false; // the latest attempt does
  #size = 0; // of the requested board
  /** @type {AbortController | undefined} */
  #attempt; // the current connection or probe
  #timeout = 0; // of the current attempt, or until the next one
  #suspendTimer = 0;
  #retries = 0;
  #silentAttempts = 0; // consecutive attempts without a message
  #lastMessageAt = 0; // of the current connection; 0 before its first message
  #liveSince = 0;

  /** @param {string} url from `linkUrl` */
  constructor(url) {
    this.#url = url;
    this.#requestedTransport = new URL(url).hash.slice(1);
    links.set(url, this);
  }

  /** Return the link that all elements with this URL share. @param {string} url from `linkUrl` */
  static shared(url) {
    return links.get(url) ?? new Link(url);
  }

  /**
   * Start from the board message of a rendered page, unless a board of that size or a connection is there already.
   * @param {Board} board
   * @param {number} size how many lines the board was made for
   */
  startFrom(board, size) {
    if (this.#attempt || size <= this.#size) return;
    this.#size = size;
    this.#apply(board);
  }

  /** Connect or disconnect after members were added or removed, or became visible or hidden. */
  update() {
    clearTimeout(this.#suspendTimer);
    const members = [...this.members];
    const isNeeded = members.some((member) => member.isVisible);
    const size = Math.max(0, ...members.map((member) => member.size));
    if (isNeeded && size > this.#size) {
      this.position = ""; // the present board is shorter: request a new one
      this.#size = size;
      if (this.#attempt) this.#open();
    }
    if (isNeeded && this.state === "idle") this.#open();
    // Even without members this takes a timer: an element that moves in the document leaves and returns in one step.
    if (!isNeeded) this.#suspendTimer = setTimeout(() => this.suspend(), members.length ? SUSPEND_AFTER_MS : 0);
  }

  /** Disconnect, and keep the lines and the position. */
  suspend() {
    this.#abort();
    this.#setState("idle");
    if (!this.members.size) links.delete(this.#url);
  }

  /** Reconnect if the connection is lost or stale: the page is visible again, or the network is back. */
  resume(delay = 0) {
    const isStale = this.#attempt && this.#lastMessageAt && Date.now() - this.#lastMessageAt > SILENCE_TIMEOUT_MS;
    if (isStale || ["waiting", "offline", "stopped"].includes(this.state)) this.#reconnectLater(delay);
    else this.update();
  }

  /** Give up the connection: the browser has lost its network. */
  networkLost() {
    if (this.#attempt) this.#fail();
  }

  #abort() {
    clearTimeout(this.#timeout);
    this.#attempt?.abort();
    this.#attempt = undefined;
  }

  /** @param {string} path @param {string} [after] */
  #address(path, after) {
    const url = new URL(this.#url);
    url.pathname += path;
    url.hash = "";
    url.searchParams.set("lines", String(this.#size));
    if (after) url.searchParams.set("after", after);
    return url.href;
  }

  /**
   * Start a new attempt in place of the current one, and return its abort signal. After the timeout, `onTimeout` is
   * called unless the attempt has received a message or was aborted.
   * @param {() => void} onTimeout
   */
  #startAttempt(onTimeout) {
    this.#abort();
    this.#timeout = setTimeout(onTimeout, FIRST_MESSAGE_TIMEOUT_MS);
    return (this.#attempt = new AbortController()).signal;
  }

  /**
   * Open a connection. Events are the default: a page's `connect-src` policy that names this server allows them, while
   * it may block and report a WebSocket. A page can't read its own policy, so it can't decide by that. A WebSocket is
   * used if all slots are in use, and each transport if the other one failed.
   */
  async #open() {
    const signal = this.#startAttempt(() => this.#probe("/board"));
    this.#lastMessageAt = 0;
    this.#setState("connecting");
    const transport = this.#nextTransport || this.#requestedTransport;
    const releaseSlot = transport ? null : await acquireSlot().catch(() => null);
    if (signal.aborted) return releaseSlot?.();
    this.#usesEvents = transport === "events" || !!releaseSlot;
    const address = this.#address(this.#usesEvents ? "/events" : "/live", this.position);
    const source = this.#usesEvents
      ? new EventSource(address)
      : new WebSocket(address.replace(/^http/, "ws"), "ticker.v1");
    signal.onabort = () => {
      source.close();
      releaseSlot?.();
    };
    for (const type of ["message", "board", "line", "forget", "live", "heartbeat", "bye", "error", "close"])
      source.addEventListener(
        type,
        // Messages have data; the close of a WebSocket has a code; errors have neither.
        (/** @type {any} */ { data, code }) => (data ? this.#receive(data) : this.#closed(code)),
        { signal }, // an aborted connection is no longer listened to
      );
  }

  /**
   * Find out over HTTP why a connection failed or stays silent, which a browser doesn't report. Retry slowly if
   * the server refuses this page or edition, wait if it refuses for now, and change the transport if this one doesn't get through.
   * @param {string} path `/events` shows how the server would answer now. `/board` works even if a proxy holds event
   *   streams back or something in the browser blocks them.
   */
  async #probe(path) {
    const signal = this.#startAttempt(() => this.#fail());
    const request = () => fetch(this.#address(path), { signal });
    const retryOnBoard = () => ((path = "/board"), request());
    const response = await request().catch(retryOnBoard).catch(() => undefined);
    if (signal.aborted) return;
    if (!response?.ok) {
      // A proxy may also answer like this for a moment, so the delays begin as short as after other failures.
      return this.#fail(0, !!response && [400, 403, 404].includes(response.status));
    }
    if (!this.#usesEvents) this.#nextTransport = "events";
    else if (path === "/board" && this.#requestedTransport !== "events") this.#nextTransport = "socket";
    this.#open();
  }

  /** @param {string} data */
  #receive(data) {
    /** @type {Message} */
    let message;
    let isNew = false;
    try {
      message = JSON.parse(data);
      isNew = this.#apply(message);
    } catch {
      return this.#fail(); // the server sends the broken message again, because `position` is before it
    }
    const isFirst = !this.#lastMessageAt;
    this.#lastMessageAt = Date.now();
    if (isFirst) this.#watchForSilence();
    this.#silentAttempts = 0;
    if (message.type === "bye") return this.#fail(message.retry_ms);
    if (message.type === "live") {
      this.clockOffset = toMilliseconds(message.now) - this.#lastMessageAt || 0; // earlier gateways give no time
      this.#liveSince = this.#lastMessageAt;
      this.#setState("live");
    }
    for (const member of this.members) member.receive(message, isNew);
  }

  /**
   * Apply a message to the fold and the position. Return whether it has a new version of a line.
   * @param {Message} message
   */
  #apply(message) {
    let isNew = false;
    if (message.type === "board") {
      this.edition = message.edition;
      this.isIncomplete = Boolean(message.incomplete);
      this.fold.reset(message.lines);
    } else if (message.type === "line") {
      isNew = this.fold.apply(message.line);
      this.fold.trim(Date.now() + this.clockOffset, this.#size);
    } else if (message.type === "forget") this.fold.forget(message.lines);
    this.position = message.position ?? this.position;
    return isNew;
  }

  /** Fail after a minute without a message. One timer per connection, not per message; it may fire late. */
  #watchForSilence() {
    const remaining = this.#lastMessageAt + SILENCE_TIMEOUT_MS - Date.now();
    clearTimeout(this.#timeout);
    if (remaining > 0) this.#timeout = setTimeout(() => this.#watchForSilence(), remaining);
    else this.#fail();
  }

  /** @param {number} [code] of the WebSocket's close frame */
  #closed(code = 0) {
    const isRefused = code >= CLOSED_AS_REFUSED;
    this.#fail(isRefused ? STOPPED_DELAY_MAX_MS : 0, isRefused);
  }

  /**
   * End the current attempt, and reconnect later: after `delay` if the server gave one, otherwise with backoff.
   * @param {number} [delay] in milliseconds
   * @param {boolean} [isRefused] whether the server refuses this page or edition, so that the delays become longer
   */
  #fail(delay = 0, isRefused = false) {
    this.#abort();
    if (!isRefused && !this.#lastMessageAt && ++this.#silentAttempts % 2 === 0) return void this.#probe("/events");
    if (this.#liveSince && Date.now() - this.#liveSince > STABLE_AFTER_MS) this.#retries = 0;
    this.#liveSince = 0;
    this.#setState(isRefused ? "stopped" : navigator.onLine ? "waiting" : "offline");
    if (!navigator.onLine) delay ||= RETRY_DELAY_MAX_MS; // the `online` event usually comes sooner
    const backoff = Math.min(isRefused ? STOPPED_DELAY_MAX_MS : RETRY_DELAY_MAX_MS, RETRY_DELAY_MS * 2 ** this.#retries);
    if (!delay) this.#retries++;
    this.#reconnectLater(delay || backoff, delay);
  }

  /**
   * Reconnect after `minimum` and a random part of `spread`: thousands of readers lose their gateway at the same time.
   * @param {number} spread in milliseconds; of a delay that the server gave, only a fifth
   * @param {number} [minimum]
   */
  #reconnectLater(spread, minimum = 0) {
    clearTimeout(this.#timeout);
    const delay = minimum + (minimum ? spread / 5 : spread) * Math.random();
    // While refused, request over HTTP first: one request, and the page shows the same state until it is accepted.
    this.#timeout = setTimeout(() => (this.state === "stopped" ? this.#probe("/events") : this.#open()), delay);
  }

  /** @param {string} state */
  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    for (const member of this.members) member.receive(null, false);
  }
}

/** Listen to an event of the whole page once for all links. @param {string} type @param {(link: Link) => void} act */
const onPageEvent = (type, act) => globalThis.document && addEventListener(type, () => links.forEach(act));

onPageEvent("pagehide", (link) => link.suspend()); // an open connection keeps a page out of the back/forward cache
onPageEvent("pageshow", (link) => link.resume());
onPageEvent("offline", (link) => link.networkLost());
onPageEvent("online", (link) => link.resume(RETRY_DELAY_MS));
onPageEvent("visibilitychange", (link) => (document.hidden ? link.update() : link.resume()));
