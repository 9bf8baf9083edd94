// Print the words of the interface before the first board, by language. Usage: node words.mjs <module>
import { pathToFileURL } from "node:url";

const { wordsOf } = await import(pathToFileURL(process.argv[2]).href);
console.log(JSON.stringify(Object.fromEntries(["en", "ar", "es", "fr"].map((lang) => [lang, wordsOf(lang)]))));
