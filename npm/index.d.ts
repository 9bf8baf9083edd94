/** The types of the package. Those in `types/` are made from the element's sources. */

import type { Properties } from "./types/attributes.js";
import type { BreakingTicker, State } from "./types/element.js";
import type { Edition, Line } from "./types/fold.js";
import type { Words } from "./types/words.js";

export { BreakingTicker, Fold, nextBoardChange } from "./types/index.js";
export type { Edition, Line, State, Words };

/**
 * The properties that a page can set. Each but `token` has an attribute with the same name. `null` and `undefined`
 * remove it.
 */
export type TickerProperties = {
  [Name in keyof Properties | "token"]?: BreakingTicker[Name] | null | undefined;
};

/** The events of the element. They bubble. */
export interface TickerEventMap {
  /** The first board has arrived, or other lines show. `board` is the array of the property `board`. */
  "ticker:board": CustomEvent<{ readonly board: readonly Line[] }>;
  /** A version of a line that the reader hadn't seen. `live` is false if it was missed and then replayed. */
  "ticker:line": CustomEvent<{ readonly line: Line; readonly live: boolean }>;
  /** The reader or the page has paused or resumed. */
  "ticker:paused": CustomEvent<{ readonly paused: boolean }>;
  /** The state of the connection has changed. */
  "ticker:state": CustomEvent<{ readonly state: State }>;
  /** The edition is private, and the element needs a new token. `refused`: the present one is no longer valid. */
  "ticker:token": CustomEvent<{ readonly refused: boolean }>;
}

/** Handlers as JSX and templates name them, such as `onticker:line`. */
export type TickerEventHandlers = {
  [Name in keyof TickerEventMap as `on${Name}`]?: ((event: TickerEventMap[Name]) => void) | undefined;
};

declare global {
  interface HTMLElementTagNameMap {
    "breaking-ticker": BreakingTicker;
  }
  // The events bubble, so documents and windows have them, too.
  interface GlobalEventHandlersEventMap extends TickerEventMap {}
}
