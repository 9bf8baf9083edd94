// Print the names that the element's module exports and that its class has.
// Usage: node members.mjs <module>
import { pathToFileURL } from "node:url";

const exported = await import(pathToFileURL(process.argv[2]).href);
const { BreakingTicker } = exported;
const own = [BreakingTicker.prototype, Object.getPrototypeOf(BreakingTicker.prototype)];
const members = own.flatMap((each) => Object.getOwnPropertyNames(each));
console.log(JSON.stringify({ exports: Object.keys(exported), attributes: BreakingTicker.observedAttributes, members }));
