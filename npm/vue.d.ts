/** `<breaking-ticker>` in the templates of Vue 3: `import type {} from "breaking-ticker/vue"`. */

import type { EmitFn, HTMLAttributes, PublicProps } from "vue";
import type { BreakingTicker, TickerEventMap, TickerProperties } from "./index.js";

/** The element as Vue checks it in templates: it reads properties from `$props`, and events from `$emit`. */
type TickerComponent = new () => BreakingTicker & {
  /** @deprecated This is only for the types of templates. The element has no such property. */
  $props: HTMLAttributes & TickerProperties & PublicProps;
  /** @deprecated This is only for the types of templates. The element has no such method. */
  $emit: EmitFn<{ [Name in keyof TickerEventMap]: (event: TickerEventMap[Name]) => void }>;
};

declare module "vue" {
  interface GlobalComponents {
    "breaking-ticker": TickerComponent;
  }
}
