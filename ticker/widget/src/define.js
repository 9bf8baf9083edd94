/** Importing this module defines `<breaking-ticker>`. On a server it does nothing. */

import { BreakingTicker } from "./index.js";

// A page may load the module twice, from two addresses.
const registry = globalThis.customElements;
if (registry && !registry.get("breaking-ticker")) registry.define("breaking-ticker", BreakingTicker);

export { BreakingTicker };
