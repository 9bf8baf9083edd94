/** Build the site in `astro/` with Astro, into `astro/dist/`. */

import { build } from "astro";

await build({ root: "astro", logLevel: "warn", devToolbar: { enabled: false } });
