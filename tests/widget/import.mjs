// Import a module without a browser, and print its exports and whether anything of a browser was made.
// Usage: node import.mjs <module>
import { pathToFileURL } from "node:url";

const before = Object.keys(globalThis);
const exported = await import(pathToFileURL(process.argv[2]).href);
console.log(JSON.stringify({ exports: Object.keys(exported).sort(), globals: Object.keys(globalThis).length - before.length }));
