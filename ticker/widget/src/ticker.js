/**
 * `<breaking-ticker edition="en">`: live breaking news on any page. `docs/embedding.md` describes its attributes,
 * properties, events and parts.
 *
 * `make widget` bundles this module into `dist/ticker.js`, which the gateway serves.
 */

import { BreakingTicker } from "./element.js";

// A page may load the module twice, from two addresses.
if (!customElements.get("breaking-ticker")) customElements.define("breaking-ticker", BreakingTicker);

export { BreakingTicker };
export { Fold, nextBoardChange } from "./fold.js";
