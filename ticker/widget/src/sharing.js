/**
 * The rules by which the tabs of a site share one connection. Pure: no browser, no clock, no random numbers.
 *
 * One tab **leads**: it holds a lock, has the connection, and posts each message to the other tabs, which **follow** it.
 * `tabs.js` has the lock, the channel and the timers, and does what these rules return.
 *
 * - A post names the positions before and after its message. A following tab applies the message only if it has
 *   everything before it and hasn't passed it yet. So it doesn't matter which tab leads, or if two tabs do for a moment.
 * - Only a gateway replays messages. A following tab that needs more than the leader has takes the lead itself, with its
 *   own position.
 * - A leader that doesn't answer hangs: a following tab takes the lead.
 */

/**
 * @typedef {import("./fold.js").Message} Message
 *
 * A post of the leader. `from` and `position`: its position before and after `message`. `size`: of its board. `re`: the
 * position of the tab whose request it answers.
 * @typedef {{
 *   position: string, size: number, state: string, skew: number, from?: string, message?: Message, re?: string,
 * }} Post
 *
 * A following tab's request for an answer: `ask` is its position.
 * @typedef {{ ask: string }} Request
 *
 * What a tab has to do: nothing, post a request, take the lead, or connect without the other tabs.
 * @typedef {0 | 1 | 2 | 3} Action
 */

/**
 * The roles of a tab:
 * - AWAY: it needs no lines, or waits before it tries again.
 * - FOLLOWING: it gets the posts of the leader.
 * - LEADING: it holds the lock.
 * - SEPARATE: it has a connection of its own, because the browser doesn't let it share, or because tabs took the lead from
 *   each other again and again.
 */
export const AWAY = 0;
export const FOLLOWING = 1;
export const LEADING = 2;
export const SEPARATE = 3;

// The actions
const NOTHING = 0;
export const ASK = 1;
export const TAKE = 2;
export const CONNECT = 3;

const TRAIL_LENGTH = 50;
const TAKEOVERS = 3; // in a row, without having followed a leader in between

/** The knowledge and the decisions of one tab. */
export class Sharing {
  tabRole = AWAY;
  /** The event that a following tab waits for: posts (NOTHING), an answer (ASK) or the lock (TAKE). @type {Action} */
  #request = NOTHING;
  /** The last positions that this tab has passed. It starts without one. */
  #trail = /** @type {any[]} */ ([""]);
  #takeovers = 0;

  /** The position of this tab, or an empty text before its first board. @returns {string} */
  get position() {
    return this.#trail.at(-1);
  }

  /** Drop the position: the tab needs a new board. */
  reset() {
    this.#trail = [""];
  }

  /** Move on behind a message that was applied. @param {Message} message */
  pass({ type, position }) {
    if (type === "heartbeat") this.#takeovers = 0; // this leader has lasted
    if (type === "board") this.#trail = [position];
    else if (position && !this.#trail.includes(position)) this.#trail = [...this.#trail, position].slice(-TRAIL_LENGTH);
  }

  /**
   * Return whether the message of a post comes next, for a tab with a board of `size`.
   * @param {Post} post
   * @param {Message} message of the post
   * @param {number} size
   */
  isNext(post, { type, position }, size) {
    return this.#trail.includes(post.from) && (type === "board" ? post.size >= size : !this.#trail.includes(position));
  }

  /** Decide after a post of the leader, once its message was applied. @param {Post} post @returns {Action} */
  judge({ state, position, re }) {
    if (this.#request === TAKE) return NOTHING;
    this.#request = NOTHING;
    if (state !== "live") return NOTHING; // it is about to get more, or can't connect either
    if (!this.#trail.includes(position)) return re === this.position ? this.#take() : this.requestAnswer();
    this.#takeovers = 0;
    return NOTHING;
  }

  /** Follow, and request an answer of the leader. @returns {Action} */
  requestAnswer() {
    this.tabRole = FOLLOWING;
    return (this.#request = ASK);
  }

  /** Decide when no leader has posted anything for a while. @returns {Action} */
  silence() {
    return this.#request ? this.#take() : this.requestAnswer();
  }

  /** @returns {Action} */
  #take() {
    this.#request = TAKE;
    return this.#takeovers++ < TAKEOVERS ? TAKE : CONNECT;
  }
}
