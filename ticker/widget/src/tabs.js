/**
 * The lock, the channel and the timers with which tabs share a connection. `sharing.js` has the rules.
 *
 * Web Locks and BroadcastChannel store nothing, and reach only pages of the same origin (and, in a frame, of the same
 * site around it). The names contain the version of the posts, so that two versions of this module don't mix.
 */

import { HAS_TOKENS, isPrivate } from "./access.js";
import { Connection } from "./connection.js";
import { attempt } from "./dom.js";
import { AWAY, CONNECT, FOLLOWING, LEADING, SEPARATE, TAKE } from "./sharing.js";

/**
 * @typedef {import("./link.js").Link} Link
 * @typedef {import("./sharing.js").Action} Action
 * @typedef {import("./sharing.js").Post} Post
 * @typedef {import("./sharing.js").Request} Request
 */

const VERSION = 1;
const QUIET_MS = 5_000; // without a post: ask whether the leader works
const ABORT_ERR = 20; // DOMException.ABORT_ERR, inlined
const ANSWER_MS = 1_000; // for an answer, multiplied by a random number from 1 to 2: not all tabs may act together

/** One tab among those that share a link. `Link` adds the lines and the state that are shared. */
export class Tabs extends Connection {
  /** @type {BroadcastChannel | undefined} */
  #channel;
  /** @type {AbortController | undefined} */
  #lock; // its signal releases the lock, or gives up waiting for it
  #timer = 0;

  /** The name of the lock and of the channel. */
  get #name() {
    return `breaking-ticker/${VERSION} ${this.ownUrl}`;
  }

  /** Follow the leader, or lead if no tab does. @this {Link} */
  joinTabs() {
    this.leave();
    if (HAS_TOKENS && isPrivate(this)) this.#act(CONNECT);
    else this.#request();
  }

  /** Close the connection and the channel, and release the lock: another tab takes the lead. */
  leave() {
    clearTimeout(this.#timer);
    this.#lock?.abort();
    this.#channel?.close();
    this.hangUp();
    this.tabRole = AWAY;
  }

  /** Open the connection again, unless another tab may have one. @this {Link} */
  reconnect() {
    if (this.tabRole === AWAY) this.joinTabs();
    else this.openStream();
  }

  /** Request a new board: the present one is too short. @this {Link} */
  renew() {
    this.reset();
    if (this.tabRole === FOLLOWING) this.#act(this.requestAnswer());
    this.reopen();
  }

  /**
   * As the leader, post the state and the position to the other tabs.
   * @this {Link}
   * @param {Partial<Post>} content a message, or the position of the tab that gets an answer
   */
  post(content) {
    const { size, state, skew, position } = this;
    if (this.tabRole === LEADING) this.#channel?.postMessage({ size, state, skew, position, ...content });
  }

  /**
   * Request the lock, and lead while this tab holds it. Until then, follow.
   * @this {Link}
   * @param {boolean} [steal] from the present leader
   */
  async #request(steal) {
    this.#lock?.abort();
    const { signal } = (this.#lock = new AbortController());
    try {
      if (!steal) {
        this.#channel = new BroadcastChannel(this.#name);
        this.#channel.onmessage = ({ data }) => attempt(() => this.#hear(data));
        this.#act(this.requestAnswer());
      }
      await navigator.locks.request(this.#name, steal ? { steal } : { signal }, () => {
        if (signal.aborted) return;
        clearTimeout(this.#timer);
        this.tabRole = LEADING;
        this.openStream();
        return new Promise((resolve) => (signal.onabort = resolve));
      });
    } catch (error) {
      if (signal.aborted) return;
      // Another tab took the lead, or this page lacks locks (an insecure context or an opaque origin).
      if (/** @type {DOMException} */ (error).code === ABORT_ERR) this.joinTabs();
      else this.#act(CONNECT);
    }
  }

  /** @this {Link} @param {Post & Request} data from another tab */
  #hear(data) {
    const { ask, message } = data;
    if (this.tabRole === LEADING) {
      if (ask !== undefined) this.post({ re: ask, ...(!ask && this.state === "live" && { from: "", message: this.boardMessage }) });
    } else if (data.state) {
      this.skew = data.skew;
      this.setState(data.state); // before the message: it decides whether a line is live
      if (message && this.isNext(data, message, this.size)) this.deliver(message, this.apply(message));
      this.#act(this.judge(data));
    }
  }

  /** @this {Link} @param {Action} action */
  #act(action) {
    clearTimeout(this.#timer);
    if (action === CONNECT) {
      this.leave();
      this.tabRole = SEPARATE;
      return void this.openStream();
    }
    if (action === TAKE) this.#request(true);
    else if (action) this.#channel?.postMessage({ ask: this.position });
    this.#timer = setTimeout(() => this.#act(this.silence()), action ? ANSWER_MS * (1 + Math.random()) : QUIET_MS);
  }
}
