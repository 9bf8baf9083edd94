/** @jsxImportSource preact */
// The package in the JSX of Preact. Each element below a `@ts-expect-error` must be an error.
import "breaking-ticker/define";
import type {} from "breaking-ticker/preact";
import type { BreakingTicker } from "breaking-ticker";
import { useRef } from "preact/hooks";

export function News({ edition }: { edition: string }) {
  const ticker = useRef<BreakingTicker>(null);
  return (
    <breaking-ticker
      ref={ticker}
      server="https://ticker.example"
      edition={edition}
      lines={5}
      layout="strip"
      paused={false}
      words={{ pause: "Pauză" }}
      label={undefined}
      lang="en"
      className="top"
      data-ticker-theme="broadsheet"
      onticker:line={({ detail }) => console.log(detail.line.text)}
      {...{ "onticker:state": (event: CustomEvent) => console.log(event.detail.state) }}
    >
      <a href="https://ticker.example/en">News</a>
    </breaking-ticker>
  );
}

export const wrong = [
  // @ts-expect-error: there is no such layout
  <breaking-ticker layout="tower" />,
  // @ts-expect-error: a number
  <breaking-ticker lines="5" />,
  // @ts-expect-error: it is read-only
  <breaking-ticker state="live" />,
  // @ts-expect-error: the event has no such detail
  <breaking-ticker onticker:line={({ detail }) => detail.text} />,
];
