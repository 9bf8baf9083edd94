/**
 * Tokens of private editions. `ticker-private.js` and the npm package have them. The build of `ticker.js` leaves out
 * everything that depends on `HAS_TOKENS`: most pages show public editions, and shouldn't load more for that.
 */

import { attempt } from "./dom.js";

/** Whether this build can show private editions: true, unless the build sets the global name. @type {boolean} */
export const HAS_TOKENS = /** @type {any} */ (globalThis).TICKER_HAS_TOKENS ?? true;

export const CLOSED_WITHOUT_TOKEN = 4401; // the close code of a socket whose token has expired
const SUBPROTOCOL = "ticker.v1";
const TOKEN_PREFIX = "ticker.token."; // a browser lets no page set a header of a socket, but its subprotocols
const RENEW_BEFORE_MS = 60_000;
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * The tokens of elements. They are not attributes: those are in the document, where extensions, recorders of sessions
 * and reports of errors read them.
 * @type {WeakMap<object, string>}
 */
const tokens = /** @type {any} */ (HAS_TOKENS && new WeakMap());

/** @type {WeakMap<object, number>} */
const numbers = /** @type {any} */ (HAS_TOKENS && new WeakMap());
let lastNumber = 0;

/** Return a number that no other element of the page has. @param {object} element */
export function numberOf(element) {
  const number = numbers.get(element) ?? ++lastNumber;
  numbers.set(element, number);
  return number;
}

/** @param {object} element */
export const tokenOf = (element) => tokens.get(element) ?? "";

/**
 * Define the property `token` of a class. `changed` is called with an element after each change.
 * @param {object} prototype
 * @param {(element: any) => void} changed
 */
export function defineToken(prototype, changed) {
  Object.defineProperty(prototype, "token", {
    get() {
      return tokenOf(this);
    },
    /** @param {unknown} value */
    set(value) {
      tokens.set(this, value ? `${value}` : "");
      changed(this);
    },
  });
}

/** Return the time in milliseconds until a token should be renewed. @param {string} token */
function renewalDelay(token) {
  const claims = attempt(() => JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"))));
  const delay = 1000 * (claims?.exp ?? Infinity) - RENEW_BEFORE_MS - Date.now();
  return Math.min(Math.max(delay, 0), TIMER_MAX_MS);
}

/** The state of a link's token. */
class Access {
  token = "";
  sent = ""; // with the latest request
  refusals = 0; // in a row
  timer = 0;
}

/** @typedef {import("./link.js").Link} Link */

/** @type {WeakMap<Link, Access>} */
const links = /** @type {any} */ (HAS_TOKENS && new WeakMap());

/** @param {Link} link */
function accessOf(link) {
  const access = links.get(link) ?? new Access();
  links.set(link, access);
  return access;
}

/**
 * Return whether a link has a token. Then it shares nothing: another tab may lack the right to its lines.
 * @param {Link} link
 */
export const isPrivate = (link) => !!accessOf(link).token;

/** Return the token for a request, and remember it. @param {Link} link */
export function tokenToSend(link) {
  const access = accessOf(link);
  return (access.sent = access.token);
}

/**
 * Handle a refusal: ask the page for a new token, unless it has set one since the request.
 * @param {Link} link
 * @param {(isRefused: boolean) => void} fail ends the connection, and schedules the next attempt
 */
export function needToken(link, fail) {
  const access = accessOf(link);
  const isRefused = access.sent === access.token;
  if (link.state === "live") access.refusals = 0;
  if (isRefused) access.refusals++;
  fail(isRefused);
  if (isRefused) link.deliver({ type: "token" }, true);
}

/**
 * Use another token: immediately if the last one was refused, otherwise with the next connection. Ask for the next one
 * before it expires.
 * @param {Link} link
 * @param {string} token
 */
export function renewToken(link, token) {
  const access = accessOf(link);
  if (access.token === token) return;
  access.token = token;
  clearTimeout(access.timer);
  if (token) access.timer = setTimeout(() => link.deliver({ type: "token" }), renewalDelay(token));
  // If new tokens are refused, too, the page may not cause a request with each of them.
  if (link.state === "stopped" && access.refusals < 2) link.reconnect();
}

/** Return the options of a request with a token, if there is one. @param {string} token @returns {RequestInit} */
export const withToken = (token) =>
  token ? { headers: { Authorization: `Bearer ${token}` }, cache: "no-store", credentials: "omit" } : {};

/** Return the subprotocols of a socket. The gateway confirms the first one. @param {string} token */
export const subprotocols = (token) => (token ? [SUBPROTOCOL, TOKEN_PREFIX + token] : SUBPROTOCOL);

/**
 * Open an event stream with a token. A browser's `EventSource` can't send one, except in its URL, which others may log.
 * It fires `message` for each message, and `close` at the end, with the close code of a refused token, or 0.
 * @param {string} address @param {string} token
 */
export function openEventStream(address, token) {
  const abort = new AbortController();
  const stream = Object.assign(new EventTarget(), { close: () => abort.abort() });
  readEvents(stream, address, { ...withToken(token), signal: abort.signal })
    .catch(() => 0)
    .then((code) => stream.dispatchEvent(Object.assign(new Event("close"), { code })));
  return stream;
}

/**
 * Fire an event for every message until the end. Return the close code.
 * @param {EventTarget} stream @param {string} address @param {RequestInit} options
 */
async function readEvents(stream, address, options) {
  const { body, ok, status } = await fetch(address, options);
  if (!ok || !body) return status === 401 ? CLOSED_WITHOUT_TOKEN : 0;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = "", part; !(part = await reader.read()).done; ) {
    const events = (rest + part.value).split("\n\n");
    rest = /** @type {string} */ (events.pop());
    for (const event of events) {
      const data = /^data: (.*)/m.exec(event)?.[1];
      if (data) stream.dispatchEvent(new MessageEvent("message", { data }));
    }
  }
  return 0;
}
