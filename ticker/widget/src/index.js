/** The exports of the element's module. Importing this module defines no element. */

export { BreakingTicker } from "./element.js";
export { Fold, nextBoardChange } from "./fold.js";
