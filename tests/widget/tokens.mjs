// Compares two modules (the files named) token by token, but for private names and constants, which may be renamed one
// to one; prints the first difference.
import { readFileSync } from "node:fs";
import ts from "./node_modules/typescript/lib/typescript.js";

function tokens(file) {
  const found = [];
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const visit = (node) => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(source);
    if (children.length === 0 && node.getText(source)) found.push([node.kind, node.getText(source)]);
    children.forEach(visit);
  };
  visit(source);
  if (source.parseDiagnostics.length) throw new Error(source.parseDiagnostics[0].messageText);
  return found;
}

const [kept, served] = process.argv.slice(2).map(tokens);
const renamed = new Map();
const back = new Map();
const isStyle = (text) => text.startsWith("`\n:host");
const squeezed = (text) => text.replace(/\/\*.*?\*\//gs, "").replace(/\s|;(?=\s*\})/g, "");
for (let at = 0; at < Math.max(kept.length, served.length); at++) {
  const [[kind, before], [servedKind, after]] = [kept[at] ?? [0, "the end"], served[at] ?? [0, "the end"]];
  if (kind === servedKind && before === after) continue;
  if (kind === servedKind && isStyle(before) && squeezed(before) === squeezed(after)) continue;
  const mayBeRenamed = before.startsWith("#") ? after.startsWith("#") : /^[A-Z][A-Z_]+$/.test(before) && after.startsWith("$");
  if (kind !== servedKind || !mayBeRenamed || (renamed.get(before) ?? after) !== after || (back.get(after) ?? before) !== before) {
    console.log(`token ${at}: ${before} became ${after}`);
    process.exit(1);
  }
  renamed.set(before, after);
  back.set(after, before);
}
console.log(`${kept.length} tokens, ${renamed.size} renamed`);
