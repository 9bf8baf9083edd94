/**
 * The fold: which lines a reader knows, and which of them are on the board. Pure: no browser, no clock.
 *
 * It computes the same boards as `ticker.core.board`; `tests/vectors/fold.json` tests both. The messages are described
 * in `docs/protocol.md`.
 */

/**
 * One version of a line, as on the wire. `status` is usable, withheld (hidden) or canceled (withdrawn).
 * @typedef {{
 *   id: string, version: number, number: number, change: string, status: string, text: string,
 *   attribution?: string | null, lang: string, dir: string, urgency: number, section?: string | null,
 *   regions?: readonly string[], coverage?: string | null, url?: string | null, created_at: string,
 *   updated_at: string, expires_at?: string | null, correction?: string | null, pinned_until?: string | null,
 *   test?: boolean,
 * }} Line
 * @typedef {{
 *   name: string, title: string, lang: string, dir: string, test?: boolean, notices?: number,
 *   words?: Record<string, Record<string, string>>,
 * }} Edition
 * @typedef {{ type: "board", position: string, edition: Edition, lines: Line[], incomplete?: boolean }} Board
 * @typedef {Board | { type: "line", position: string, line: Line } | { type: "live" | "heartbeat", position: string, now?: string } |
 *   { type: "forget", position?: undefined, lines: string[] } | { type: "bye", position?: undefined, retry_ms: number, reason: string } |
 *   { type: "token", position?: undefined }} Message
 */

/**
 * Convert an instant of the wire to milliseconds. Return NaN if it is missing: every comparison with NaN is false.
 * @param {string | null | undefined} instant
 */
export const toMilliseconds = (instant) => Date.parse(instant ?? "");

const NOTICES = 3; // on a board, unless the edition says otherwise

/** Freeze a line and its lists: events pass lines to pages, which must not change the text that shows. @param {Line} line */
function freeze(line) {
  Object.freeze(line.regions);
  return Object.freeze(line);
}

/** The lines that a reader knows, each in its latest version. They are frozen. */
export class Fold {
  /** @type {Map<string, Line>} */
  #lines = new Map();

  /**
   * Replace all lines by those of a board.
   * @param {Line[]} lines
   */
  reset(lines) {
    this.#lines = new Map(lines.map((line) => [line.id, freeze(line)]));
  }

  /**
   * Add a line, or a later version of one. Return false for a version that is known already: nothing changes then.
   * @param {Line} line
   */
  apply(line) {
    if ((this.#lines.get(line.id)?.version ?? 0) >= line.version) return false;
    this.#lines.set(line.id, freeze(line));
    return true;
  }

  /** Drop lines that nobody can change any more. @param {string[]} ids */
  forget(ids) {
    for (const id of ids) this.#lines.delete(id);
  }

  /**
   * Return the board at `now`: pinned lines first, then the others, each group with the newest first. At most `size`
   * usable lines are on it. Notices of withdrawn lines don't count as lines, but there are at most `size` of them too.
   * @param {number} now in milliseconds
   * @param {number} size
   * @param {number} [notices] how many notices the edition allows on a board
   */
  lines(now, size, notices = NOTICES) {
    const isPinned = (/** @type {Line} */ line) =>
      toMilliseconds(line.pinned_until) > now && line.status === "usable";
    const candidates = [...this.#lines.values()]
      .filter((line) => line.status !== "withheld" && !(toMilliseconds(line.expires_at) <= now))
      .sort((left, right) => right.number - left.number);
    const board = candidates.filter(isPinned).slice(0, size);
    let freePlaces = size - board.length;
    let freeNotices = Math.min(size, notices);
    for (const line of candidates) {
      if (freePlaces <= 0) break;
      if (isPinned(line)) continue;
      if (line.status === "usable") freePlaces--;
      else if (freeNotices-- <= 0) continue;
      board.push(line);
    }
    return board;
  }

  /**
   * Drop lines that are too old to return to the board, so that memory stays bounded however long a page is open.
   * @param {number} now in milliseconds
   * @param {number} size
   */
  trim(now, size) {
    if (this.#lines.size > 3 * size) this.reset(this.lines(now, 2 * size, size));
  }
}

/**
 * Return the next instant after `now` at which one of `lines` expires or its pin ends. Return Infinity if nothing does.
 * @param {Line[]} lines
 * @param {number} now in milliseconds
 */
export function nextBoardChange(lines, now) {
  const ends = lines.flatMap((line) => [toMilliseconds(line.expires_at), toMilliseconds(line.pinned_until)]);
  return Math.min(...ends.filter((instant) => instant > now));
}
