// Runs the vectors of the fold (the file named first) through the module named second, and prints what shows.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// What a browser has and the fold doesn't need.
class Nothing {}
const nothing = { addEventListener() {}, get: () => Nothing, matches: false };
Object.assign(globalThis, { HTMLElement: Nothing, document: nothing, customElements: nothing, addEventListener() {} });
Object.assign(globalThis, { matchMedia: () => nothing, IntersectionObserver: Nothing });
globalThis.CSSStyleSheet = class { replaceSync() {} };

const [vectors, module] = process.argv.slice(2);
const { Fold, changesAt } = await import(pathToFileURL(module).href);
const results = JSON.parse(readFileSync(vectors, "utf8")).cases.map(({ size, now, board, messages }) => {
  const fold = new Fold();
  if (board) fold.reset(board.lines);
  for (const message of messages) {
    if (message.type === "board") fold.reset(message.lines);
    if (message.type === "line") fold.apply(message.line);
  }
  const instant = Date.parse(now);
  const lines = fold.lines(instant, size);
  const next = changesAt(lines, instant);
  return { ids: lines.map((line) => line.id), changes_at: next === Infinity ? null : next, lines };
});
console.log(JSON.stringify(results));
