/** Importing this module defines `<breaking-ticker>`. On a server it does nothing. */

export { BreakingTicker } from "./index.js";
