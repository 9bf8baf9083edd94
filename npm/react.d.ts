/** `<breaking-ticker>` in the JSX of React 19: `import type {} from "breaking-ticker/react"`. */

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { BreakingTicker, TickerEventHandlers, TickerProperties } from "./index.js";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "breaking-ticker": DetailedHTMLProps<HTMLAttributes<BreakingTicker>, BreakingTicker> &
        TickerProperties &
        TickerEventHandlers;
    }
  }
}
