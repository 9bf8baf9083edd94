// Run the cases of a vector file through the reader of the tail's module, and print what it takes in each step as JSON.
// Usage: node tail.mjs <vectors> <module>
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [vectors, module] = process.argv.slice(2);
const { TailReader } = await import(pathToFileURL(module).href);
const { tails, cases } = JSON.parse(readFileSync(vectors, "utf8"));
const results = cases.map(({ position, selection, steps }) => {
  const fields = Object.entries(selection).flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
  const reader = new TailReader(position, new URLSearchParams(fields));
  return steps.map(({ tail, at_s }) => reader.read(tails[tail], 1000 * at_s));
});
console.log(JSON.stringify(results));
