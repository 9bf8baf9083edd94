// The package in Vue 3: what its templates check. Each line below a `@ts-expect-error` must be an error.
import "breaking-ticker/define";
import type {} from "breaking-ticker/vue";
import type { GlobalComponents } from "vue";

type Ticker = InstanceType<GlobalComponents["breaking-ticker"]>;
type Properties = Ticker["$props"];
declare const emit: Ticker["$emit"];

export const right: Properties[] = [
  { edition: "en", lines: 5, layout: "strip", paused: false, words: { pause: "Pauză" }, class: "top", key: 1 },
  { label: undefined, lang: "en" },
];
emit("ticker:line", new CustomEvent("ticker:line"));

export const wrong: Properties[] = [
  // @ts-expect-error: there is no such layout
  { layout: "tower" },
  // @ts-expect-error: a number
  { lines: "5" },
  // @ts-expect-error: it is read-only
  { state: "live" },
];
// @ts-expect-error: there is no such event
emit("ticker:lines", new CustomEvent("ticker:lines"));
