/** `<breaking-ticker>` in the templates of Svelte 5: `import type {} from "breaking-ticker/svelte"`. */

import type { HTMLAttributes } from "svelte/elements";
import type { BreakingTicker, TickerEventHandlers, TickerProperties } from "./index.js";

declare module "svelte/elements" {
  interface SvelteHTMLElements {
    "breaking-ticker": HTMLAttributes<BreakingTicker> & TickerProperties & TickerEventHandlers;
  }
}
