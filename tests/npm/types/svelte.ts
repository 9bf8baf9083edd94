// The package in Svelte 5: what its templates check. Each line below a `@ts-expect-error` must be an error.
import "breaking-ticker/define";
import type {} from "breaking-ticker/svelte";
import type { SvelteHTMLElements } from "svelte/elements";

type Properties = SvelteHTMLElements["breaking-ticker"];

export const right: Properties[] = [
  { edition: "en", lines: 5, layout: "strip", paused: false, words: { pause: "Pauză" }, class: "top" },
  { "onticker:line": ({ detail }) => console.log(detail.line.text) },
];

export const wrong: Properties[] = [
  // @ts-expect-error: there is no such layout
  { layout: "tower" },
  // @ts-expect-error: a number
  { lines: "5" },
];
