// Print the words of the interface by language, with those that a board brings. Usage: node words.mjs <module> <words as JSON>
import { pathToFileURL } from "node:url";

const { wordsOf } = await import(pathToFileURL(process.argv[2]).href);
const edition = { words: JSON.parse(process.argv[3]) };
const languages = { en: "en-GB", ar: "ar", es: "es-MX", fr: "fr" };
const found = Object.entries(languages).map(([name, lang]) => [name, wordsOf(lang, name === "en" ? undefined : edition)]);
console.log(JSON.stringify(Object.fromEntries(found)));
