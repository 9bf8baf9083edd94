// Run the cases of a vector file through the fold of a module, and print the results as JSON.
// Usage: node fold.mjs <vectors> <module>
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [vectors, module] = process.argv.slice(2);
const { Fold, nextBoardChange } = await import(pathToFileURL(module).href);
const results = JSON.parse(readFileSync(vectors, "utf8")).cases.map(({ size, notices = size, now, board, messages }) => {
  const fold = new Fold();
  if (board) fold.reset(board.lines);
  for (const message of messages) {
    if (message.type === "board") fold.reset(message.lines);
    if (message.type === "line") fold.apply(message.line);
    if (message.type === "forget") fold.forget(message.lines);
  }
  const instant = Date.parse(now);
  const lines = fold.lines(instant, size, notices);
  const changesAt = nextBoardChange(lines, instant);
  const frozen = lines.every((line) => Object.isFrozen(line) && Object.isFrozen(line.regions ?? Object.freeze([])));
  return { frozen, ids: lines.map((line) => line.id), changes_at: changesAt === Infinity ? null : changesAt, lines };
});
console.log(JSON.stringify(results));
