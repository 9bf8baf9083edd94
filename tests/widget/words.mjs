// Print the words of the interface by language, with those that a board brings. Usage: node words.mjs <module> <words as JSON>
import { pathToFileURL } from "node:url";

const { wordsOf } = await import(pathToFileURL(process.argv[2]).href);
const edition = { words: JSON.parse(process.argv[3]) };
console.log(JSON.stringify({ en: wordsOf("en-GB"), es: wordsOf("es-MX", edition), fr: wordsOf("fr", edition) }));
