/** What the element's module exports. Importing this module defines no element. */

export { BreakingTicker } from "./element.js";
export { Fold, nextBoardChange } from "./fold.js";
