/**
 * The tail: the third way to connect, for pages behind a content delivery network or on a static host.
 *
 * The element loads this module only when it needs it. It imports nothing, because it may be of another release than
 * the element. `docs/protocol.md` describes the document and its rules; `ticker.core.tail` has the same ones.
 */

/**
 * @typedef {import("./fold.js").Board} Board
 * @typedef {import("./fold.js").Line} Line
 * @typedef {import("./fold.js").Message} Message
 * @typedef {{ position: string, after: string, stale_s: number, board: Board, messages: Message[] }} Tail
 */

const POLL_MS = 3_000; // between two requests, plus a random part of half as long
const HIDDEN_POLL_MS = 20_000; // while the page isn't visible
const CLOSED_WITHOUT_TOKEN = 4401; // as of a socket

/** The number of an entry, which a position begins with. @param {string} position */
const seqOf = (position) => parseInt(position);

/** The place of a reader, and its rules. Pure: no browser, no clock. */
export class TailReader {
  #matches;
  #selects;
  /** The ids of the reader's lines, if they are known. @type {Set<string> | undefined} */
  #known;
  /** When the reader was first ahead of the document. @type {number | undefined} */
  #aheadSince;

  /**
   * @param {string} position or an empty text before the first board
   * @param {URLSearchParams} selection `section`, `region` and `urgency`
   */
  constructor(position, selection) {
    this.position = position;
    const sections = selection.getAll("section");
    const regions = selection.getAll("region");
    const urgency = Number(selection.get("urgency") ?? Infinity);
    this.#selects = sections.length > 0 || regions.length > 0 || urgency < Infinity;
    this.#matches = (/** @type {Line & { urgency?: number }} */ line) =>
      !((line.urgency ?? 0) > urgency) &&
      (!sections.length || sections.includes(line.section ?? "")) &&
      (!regions.length || regions.some((region) => line.regions?.includes(region)));
  }

  /**
   * Return the messages that are new for the reader, in order, and move behind them. A line that the selection leaves
   * out becomes a heartbeat with its position. A reader with a selection begins with the board: it gets each version of
   * the lines that it got before, so these have to be known.
   *
   * A document that is older than the reader's position has nothing new: a withdrawn text could return with it. Only
   * after `stale_s`, when no cache has such a document any more, the position is of a lost history.
   * @param {Tail} tail
   * @param {number} now in milliseconds; never goes back
   * @returns {Message[]}
   */
  read(tail, now) {
    if (seqOf(this.position) > seqOf(tail.position)) {
      this.#aheadSince ??= now;
      if (now - this.#aheadSince < 1000 * tail.stale_s) return [];
    }
    this.#aheadSince = undefined;
    const start =
      this.position === tail.after ? 0 : 1 + tail.messages.findIndex(({ position }) => position && position === this.position);
    const isBoard = (this.position !== tail.after && !start) || (this.#selects && !this.#known);
    this.position = tail.position;
    if (!isBoard) return tail.messages.slice(start).map((message) => this.#select(message));
    const lines = tail.board.lines.filter(this.#matches);
    this.#known = new Set(lines.map(({ id }) => id));
    return [{ ...tail.board, lines }];
  }

  /** @param {Message} message @returns {Message} */
  #select(message) {
    if (message.type === "forget") message.lines.forEach((id) => this.#known?.delete(id));
    if (message.type !== "line") return message;
    const { line, position } = message;
    if (!this.#matches(line) && !this.#known?.has(line.id)) return { type: "heartbeat", position };
    this.#known?.add(line.id);
    return message;
  }
}

/**
 * Poll the tail until `close` is called or a request fails. The result fires `message` for each message, as an
 * `EventSource` does, and `close` after a failure. A `live` message follows the first answer, and after each further
 * one comes a heartbeat.
 * @param {string} address of any transport of the edition; its query is the selection, and is not sent
 * @param {string} position of the reader
 * @param {RequestInit} [options] of the requests
 */
export function open(address, position, options) {
  const abort = new AbortController();
  const stream = Object.assign(new EventTarget(), { close: () => abort.abort() });
  const { origin, pathname, searchParams } = new URL(address);
  const reader = new TailReader(position, searchParams);
  poll(stream, reader, origin + pathname.replace(/[^/]*$/, "tail"), { credentials: "omit", ...options, signal: abort.signal })
    .catch(() => 0)
    .then((code) => stream.dispatchEvent(Object.assign(new Event("close"), { code })));
  return stream;
}

/**
 * Return the close code after a failure.
 * @param {EventTarget} stream @param {TailReader} reader @param {string} url
 * @param {RequestInit & { signal: AbortSignal }} options
 */
async function poll(stream, reader, url, options) {
  const send = (/** @type {object} */ message) =>
    stream.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  for (let isLive = false; ; isLive = true) {
    const response = await fetch(url, options);
    if (!response.ok) return response.status === 401 ? CLOSED_WITHOUT_TOKEN : 0;
    /** @type {Tail} */
    const tail = await response.json();
    for (const message of reader.read(tail, performance.now())) if (!options.signal.aborted) send(message);
    const { position } = reader;
    send(isLive ? { type: "heartbeat", position } : { type: "live", position, replayed: 0, now: timeOf(response.headers) });
    await pause(options.signal);
  }
}

/** Return the server's time by the headers of an answer. Caches add the answer's age to its date. @param {Headers} headers */
function timeOf(headers) {
  const time = Date.parse(headers.get("date") ?? "") + 1000 * Number(headers.get("age"));
  return time ? new Date(time).toISOString() : undefined;
}

/** Wait until the next request is due, or until the page is visible again. @param {AbortSignal} signal */
const pause = (signal) =>
  new Promise((resolve, reject) => {
    const delay = (document.hidden ? HIDDEN_POLL_MS : POLL_MS) * (1 + Math.random() / 2);
    const done = () => {
      clearTimeout(timer);
      removeEventListener("visibilitychange", seen, true);
      if (signal.aborted) reject(signal.reason);
      else resolve(undefined);
    };
    const seen = () => document.hidden || done();
    const timer = setTimeout(done, delay);
    addEventListener("visibilitychange", seen, true);
    signal.addEventListener("abort", done);
  });
