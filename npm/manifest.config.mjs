/**
 * How the custom elements manifest is made from the sources: one module with what the package exports.
 *
 * The properties of the attributes are those of the type `Properties`. The parts, the custom properties and the slot
 * are at the class that makes them, `Interface`.
 */

const EXPORTED = ["BreakingTicker", "Fold", "nextBoardChange"];
// The first three are for the browser; the analyzer takes the last one, which is set in the constructor, for a member.
const HIDDEN = ["connectedCallback", "disconnectedCallback", "attributeChangedCallback", "adoptedStyleSheets"];

const properties = [];

/** Collect the properties of the type `Properties`. */
function analyzePhase({ ts, node }) {
  for (const tag of (node.jsDoc ?? []).flatMap(({ tags }) => tags ?? [])) {
    if (!ts.isJSDocTypedefTag(tag) || tag.name.text !== "Properties") continue;
    for (const { name, typeExpression, comment } of tag.typeExpression.jsDocPropertyTags)
      properties.push({
        name: name.text,
        description: comment.replace(/\s+/g, " "),
        type: { text: typeExpression.type.getText().replace(/import\(.*?\)\./, "") },
      });
  }
}

/** Merge the classes of which the element consists, and keep only what pages can use. */
function packageLinkPhase({ customElementsManifest: manifest }) {
  const all = manifest.modules.flatMap((module) => module.declarations);
  const [element, view] = ["BreakingTicker", "Interface"].map((name) => all.find((each) => each.name === name));
  const isPublic = ({ name, privacy }) => privacy !== "private" && !HIDDEN.includes(name);
  const { slots, cssParts, cssProperties } = view;
  Object.assign(element, {
    superclass: { name: "HTMLElement" },
    attributes: [...properties.map((each) => ({ ...each, fieldName: each.name })), ...element.attributes],
    members: [
      ...properties.map((each) => ({ kind: "field", ...each, attribute: each.name, reflects: true })),
      ...element.members.filter(isPublic),
    ],
    events: element.events.filter(({ name }) => name),
    slots,
    cssParts,
    cssProperties,
  });
  const exportOf = (name) => ({ kind: "js", name, declaration: { name, module: "index.js" } });
  const declaration = { name: "BreakingTicker", module: "index.js" };
  const definition = { kind: "custom-element-definition", name: "breaking-ticker", declaration };
  const declarations = EXPORTED.map((name) => all.find((each) => each.name === name));
  for (const { members } of declarations) members?.splice(0, Infinity, ...members.filter(isPublic));
  manifest.modules = [
    { kind: "javascript-module", path: "index.js", declarations, exports: EXPORTED.map(exportOf) },
    { kind: "javascript-module", path: "define.js", declarations: [], exports: [definition, exportOf("BreakingTicker")] },
  ];
}

export default {
  globs: ["src/*.js"],
  packagejson: false,
  plugins: [{ name: "ticker", analyzePhase, packageLinkPhase }],
};
