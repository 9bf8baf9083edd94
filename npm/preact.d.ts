/** `<breaking-ticker>` in the JSX of Preact: `import type {} from "breaking-ticker/preact"`. */

import type { HTMLAttributes } from "preact";
import type { BreakingTicker, TickerEventHandlers, TickerProperties } from "./index.js";

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "breaking-ticker": HTMLAttributes<BreakingTicker> & TickerProperties & TickerEventHandlers;
    }
  }
}
