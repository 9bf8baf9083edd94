// Compares two modules (the files named) token by token, but for marks before a closing bracket
// and `const`, which may become `let`. Private names, and variables and functions that the first one
// declares, may be renamed one to one, also into nothing that the second has already; prints the first difference.
import { readFileSync } from "node:fs";
import ts from "./node_modules/typescript/lib/typescript.js";

/** What a name declares or refers to; undefined for what is no variable: properties, keys, members, exports. */
function variable(checker, node) {
  if (node.kind !== ts.SyntaxKind.Identifier) return undefined;
  const { parent } = node;
  const isPart =
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    ts.isShorthandPropertyAssignment(parent) || ts.isPropertyAssignment(parent) && parent.name === node ||
    ts.isClassElement(parent) && parent.name === node ||
    (ts.isBindingElement(parent) && ts.isObjectBindingPattern(parent.parent) && (parent.propertyName ?? parent.name) === node);
  const declaration = isPart ? undefined : checker.getSymbolAtLocation(node)?.valueDeclaration;
  const isExported = declaration && ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Export;
  return isExported || declaration?.getSourceFile() !== node.getSourceFile() ? undefined : declaration;
}

function tokens(file) {
  const found = [];
  const program = ts.createProgram([file], { allowJs: true, noResolve: true, lib: ["lib.es2023.d.ts", "lib.dom.d.ts"] });
  const source = program.getSourceFile(file);
  const checker = program.getTypeChecker();
  const visit = (node) => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(source);
    if (children.length === 0 && node.getText(source))
      found.push({ kind: node.kind, text: node.getText(source), declaration: variable(checker, node)?.pos });
    if (node.kind === ts.SyntaxKind.ConstKeyword) Object.assign(found.at(-1), { kind: ts.SyntaxKind.LetKeyword, text: "let" });
    children.forEach(visit);
  };
  visit(source);
  if (source.parseDiagnostics.length) throw new Error(source.parseDiagnostics[0].messageText);
  // Before a closing bracket these mean nothing. (Where a semicolon is a statement of its own, or a comma leaves an item
  // out, the parser's tree has a node for that.)
  return found.filter(({ kind }, at) => {
    const isMark = kind === ts.SyntaxKind.SemicolonToken || kind === ts.SyntaxKind.CommaToken;
    return !isMark || ![")", "]", "}"].includes(found[at + 1]?.text);
  });
}

const [kept, served] = process.argv.slice(2).map(tokens);
const renamed = new Map();
const back = new Map();
const isStyle = (text) => text.startsWith("`\n:host");
const squeezed = (text) => text.replace(/\/\*.*?\*\//gs, "").replace(/\s|;(?=\s*\})/g, "");
const end = { kind: 0, text: "the end" };
// A declaration's place is another in each file; which one it is in its file is the same.
const order = [new Map(), new Map()];
const nth = (which, place) => order[which].get(place) ?? order[which].set(place, order[which].size).size - 1;
for (let at = 0; at < Math.max(kept.length, served.length); at++) {
  const [before, after] = [kept[at] ?? end, served[at] ?? end];
  const isBound = before.declaration !== undefined;
  let isSame = before.kind === after.kind && isBound === (after.declaration !== undefined);
  if (isBound && isSame) isSame = nth(0, before.declaration) === nth(1, after.declaration);
  if (isSame && before.text === after.text) continue;
  if (isSame && isStyle(before.text) && squeezed(before.text) === squeezed(after.text)) continue;
  const mayBeRenamed = isBound || (before.text.startsWith("#") && after.text.startsWith("#"));
  const isOneToOne = (renamed.get(before.text) ?? after.text) === after.text && (back.get(after.text) ?? before.text) === before.text;
  if (!isSame || !mayBeRenamed || !isOneToOne) {
    console.log(`token ${at}: ${before.text} became ${after.text}`);
    process.exit(1);
  }
  renamed.set(before.text, after.text);
  back.set(after.text, before.text);
}
console.log(`${kept.length} tokens, ${renamed.size} renamed`);
