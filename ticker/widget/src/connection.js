/** A connection to a gateway: it times out, retries, and changes the transport if one doesn't get through. */

import { CLOSED_WITHOUT_TOKEN, HAS_TOKENS, needToken, openEventStream, subprotocols, tokenToSend, withToken } from "./access.js";
import { attempt } from "./dom.js";
import { Sharing } from "./sharing.js";
import { acquireSlot } from "./slots.js";

/** @typedef {import("./fold.js").Message} Message */

/** @typedef {import("./link.js").Link} Link */

const FIRST_MESSAGE_TIMEOUT_MS = 10_000; // from opening a connection to its first message
const SILENCE_TIMEOUT_MS = 60_000; // the gateway sends a heartbeat at least every 25 s, so two are missing
const STABLE_AFTER_MS = 10_000; // a stream that was live for this long resets the backoff
export const RETRY_DELAY_MS = 1_000;
const RETRY_DELAY_MAX_MS = 30_000;
const STOPPED_DELAY_MAX_MS = 300_000; // between two requests while the server refuses this page or its edition
const CLOSED_AS_REFUSED = 4000; // close codes from here on allow to reconnect only slowly

/** The connection of one tab. `Link` has the size of the board to request, the state, and what becomes of messages. */
export class Connection extends Sharing {
  ownUrl; // of the link
  #nextTransport = ""; // "events", "socket" or "tail" after another one failed
  #usesEvents = false; // the latest attempt does
  /** @type {AbortController | undefined} */
  #attempt; // the current stream or probe
  #timeout = 0; // of the current attempt, or until the next one
  #isProven = false; // a message has arrived at some time, so the page's policy allows the connection
  #retries = 0;
  #silentAttempts = 0; // consecutive attempts without a message
  #lastMessageAt = 0; // of the current attempt; 0 before its first message
  #liveSince = 0; // of the current attempt; Infinity before it is live

  /** @param {string} url of the link */
  constructor(url) {
    super();
    this.ownUrl = url;
  }

  /** The transport that the attribute `transport` requests: "events" or "tail" (only that), "socket" (first) or nothing. */
  get #requestedTransport() {
    const fragment = this.ownUrl.split("#")[1];
    return HAS_TOKENS ? fragment?.split("/")[0] : fragment;
  }

  /**
   * Reconnect if the connection is lost or stale.
   * @this {Link}
   * @param {number} delay in milliseconds, of which a random part passes
   */
  recover(delay) {
    const isStale = this.#lastMessageAt && Date.now() - this.#lastMessageAt > SILENCE_TIMEOUT_MS;
    if (this.#attempt ? isStale : this.state !== "idle") this.#reconnectLater(delay);
  }

  /** Give up the connection: the browser has lost its network. @this {Link} */
  networkLost() {
    if (this.#attempt) this.#fail();
  }

  /** Open the connection again if there is one. @this {Link} */
  reopen() {
    if (this.#attempt) this.openStream();
  }

  /** Close the stream, and don't retry. */
  hangUp() {
    clearTimeout(this.#timeout);
    this.#attempt?.abort();
    this.#attempt = undefined;
  }

  /** @param {string} path @this {Link} */
  #address(path, after = "") {
    const { origin, pathname, search } = new URL(this.ownUrl);
    return `${origin}${pathname}${path}?lines=${this.size}${search.replace("?", "&")}${after && `&after=${after}`}`;
  }

  /**
   * Start a new attempt in place of the current one, and return its abort signal. After the timeout, `onTimeout` is
   * called unless the attempt has received a message or was aborted.
   * @param {() => void} onTimeout
   * @this {Link}
   */
  #startAttempt(onTimeout) {
    this.hangUp();
    this.#lastMessageAt = 0;
    this.#liveSince = Infinity;
    this.#timeout = setTimeout(onTimeout, FIRST_MESSAGE_TIMEOUT_MS);
    return (this.#attempt = new AbortController()).signal;
  }

  /**
   * Open a stream in place of the present one. While the server refuses, request over HTTP first: one request, and the
   * page shows the same state until it is accepted.
   *
   * Events are the default: a page's `connect-src` policy that names this server allows them, while it may block and
   * report a WebSocket. A page can't read its own policy, so it can't decide by that. A WebSocket is used if all slots
   * are in use, and each transport if the other one failed. If both did, this tab polls the tail: that module is loaded
   * only then.
   * @this {Link}
   */
  async openStream() {
    if (this.state === "stopped") return this.#probe("/events");
    const signal = this.#startAttempt(() => this.#probe("/board"));
    this.setState("connecting");
    const transport = this.#nextTransport || this.#requestedTransport;
    const releaseSlot = transport ? null : await acquireSlot().catch(() => {});
    const tail = transport === "tail" && (await import("./tail.js").catch(() => {}));
    if (signal.aborted) return releaseSlot?.();
    this.#usesEvents = transport === "events" || !!releaseSlot;
    const address = this.#address(this.#usesEvents ? "/events" : "/live", this.position);
    const token = HAS_TOKENS ? tokenToSend(this) : "";
    const source = attempt(() =>
      tail
        ? tail.open(address, this.position, HAS_TOKENS ? withToken(token) : {})
        : this.#usesEvents
          ? HAS_TOKENS && token
            ? openEventStream(address, token)
            : new EventSource(address)
          : new WebSocket(address.replace(/^http/, "ws"), HAS_TOKENS ? subprotocols(token) : "ticker.v1"),
    );
    signal.onabort = () => {
      source?.close();
      releaseSlot?.();
    };
    if (!source) return this.#probe("/board"); // a policy blocks it: Firefox and WebKit throw, Chromium sends an error
    for (const type of ["message", "board", "line", "forget", "live", "heartbeat", "bye", "error", "close"])
      source.addEventListener(
        type,
        // Messages have data; the close of a WebSocket has a code; errors have neither.
        (/** @type {any} */ { data, code }) => (data ? this.#receive(data) : this.#closed(code)),
        { signal }, // an aborted connection is no longer listened to
      );
  }

  /**
   * Find out over HTTP why a stream failed or stays silent, which a browser doesn't report. Retry slowly if
   * the server refuses this page or edition, wait if it refuses for now, and change the transport if this one doesn't get through.
   * @param {string} path `/events` shows how the server would answer now. `/board` works even if a proxy holds event
   *   streams back or something in the browser blocks them.
   * @this {Link}
   */
  async #probe(path) {
    if (this.#requestedTransport === "tail") return this.#fail(); // a static host has nothing else
    const signal = this.#startAttempt(() => this.#fail());
    const request = () =>
      fetch(this.#address(path), HAS_TOKENS ? { ...withToken(tokenToSend(this)), signal } : { signal });
    const retryOnBoard = () => ((path = "/board"), request());
    const response = await request().catch(retryOnBoard).catch(() => undefined);
    if (signal.aborted) return;
    if (!response?.ok) {
      if (HAS_TOKENS && response?.status === 401) return needToken(this, (isRefused) => this.#fail(0, isRefused));
      // A proxy may also answer like this for a moment, so the delays begin as short as after other failures.
      return this.#fail(0, /40[0134]/.test(/** @type {any} */ (response?.status)));
    }
    // A page that pins its scripts loads no other one by itself.
    if (!this.#usesEvents)
      this.#nextTransport =
        this.#nextTransport === "socket" && !document.querySelector("script[integrity]") ? "tail" : "events";
    else if (path === "/board" && this.#requestedTransport !== "events") this.#nextTransport = "socket";
    this.setState("connecting");
    this.reconnect();
  }

  /** @param {string} data @this {Link} */
  #receive(data) {
    /** @type {Message} */
    let message;
    let isNew = false;
    try {
      message = JSON.parse(data);
      isNew = this.receive(message);
    } catch {
      return this.#fail(); // the server sends the broken message again, because the position is before it
    }
    const isFirst = !this.#lastMessageAt;
    this.#lastMessageAt = Date.now();
    if (isFirst) this.#watchForSilence();
    this.#isProven = true;
    this.#silentAttempts = 0;
    if (message.type === "live") this.#liveSince = this.#lastMessageAt;
    if (HAS_TOKENS && message.type === "bye" && message.reason === "token") return this.#closed(CLOSED_WITHOUT_TOKEN);
    if (message.type === "bye") return this.#fail(message.retry_ms);
    this.deliver(message, isNew);
  }

  /** Fail after a minute without a message. One timer per stream, not per message; it may fire late. @this {Link} */
  #watchForSilence() {
    const remaining = this.#lastMessageAt + SILENCE_TIMEOUT_MS - Date.now();
    clearTimeout(this.#timeout);
    if (remaining > 0) this.#timeout = setTimeout(() => this.#watchForSilence(), remaining);
    else this.#fail();
  }

  /** @param {number} [code] of the WebSocket's close frame @this {Link} */
  #closed(code = 0) {
    if (HAS_TOKENS && code === CLOSED_WITHOUT_TOKEN) return needToken(this, (isRefused) => this.#fail(0, isRefused));
    const isRefused = code >= CLOSED_AS_REFUSED;
    this.#fail(isRefused ? STOPPED_DELAY_MAX_MS : 0, isRefused);
  }

  /**
   * End the current attempt, and reconnect later: after `delay` if the server gave one, otherwise with backoff.
   * @param {number} [delay] in milliseconds
   * @param {boolean} [isRefused] whether the server refuses this page or edition, so that the delays become longer
   * @this {Link}
   */
  #fail(delay = 0, isRefused = false) {
    this.hangUp();
    if (!isRefused && !this.#lastMessageAt && ++this.#silentAttempts % 2 === 0) return void this.#probe("/events");
    if (Date.now() - this.#liveSince > STABLE_AFTER_MS) this.#retries = 0;
    this.setState(isRefused ? "stopped" : navigator.onLine ? "waiting" : "offline");
    // Perhaps only the policy of this page blocks the connection: another tab may lead. A tab that has had a connection
    // keeps the lead while it waits, so that a gateway that restarts gets one request.
    if (!this.#isProven) this.leave();
    if (!navigator.onLine) delay ||= RETRY_DELAY_MAX_MS; // the `online` event usually comes sooner
    const backoff = Math.min(isRefused ? STOPPED_DELAY_MAX_MS : RETRY_DELAY_MAX_MS, RETRY_DELAY_MS * 2 ** this.#retries);
    if (!delay) this.#retries++;
    this.#reconnectLater(delay || backoff, delay);
  }

  /**
   * Reconnect after `minimum` and a random part of `spread`: thousands of readers lose their gateway at the same time.
   * @param {number} spread in milliseconds; of a delay that the server gave, only a fifth
   * @param {number} [minimum]
   * @this {Link}
   */
  #reconnectLater(spread, minimum = 0) {
    clearTimeout(this.#timeout);
    const delay = minimum + (minimum ? spread / 5 : spread) * Math.random();
    this.#timeout = setTimeout(() => this.reconnect(), delay);
  }
}
