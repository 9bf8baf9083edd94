/**
 * The module that the gateway serves: it defines `<breaking-ticker>`. `docs/embedding.md` describes the element's
 * attributes, properties, events and parts.
 *
 * `make widget` bundles this module into `dist/ticker.js`.
 */

import "./define.js";

export * from "./index.js";
