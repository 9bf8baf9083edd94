/**
 * The element's style sheet.
 *
 * In the list layout, the list is positioned by its lower end: a line that comes or goes moves the list as a whole, and
 * older lines keep their place in it. Browsers don't count that as a layout shift. See update in list.js.
 *
 * In the strip layout, a text has two rows and ends in an ellipsis. A reader who points at it or focuses it gets all of it,
 * in a view that scrolls. The tabindex of the view is 0 if there is more to see. See #step in interface.js.
 *
 * The height never depends on the lines: the row has it as its basis, and takes the height of the host if that has one.
 */
/** The style sheet. Until the first element needs it, its text: a server can't make one. @type {string | CSSStyleSheet} */
let sheet = `
:host { display: block; min-inline-size: min(100%, 20em) }
:host([hidden]), [hidden], :is(ol, .title, .test):empty, ol:not(:empty) + slot { display: none !important }
.ticker {
  all: initial; color-scheme: inherit; display: flex; flex-flow: column; block-size: 100%; container-type: inline-size;
  font: 400 var(--ticker-size, medium)/1.5 serif; font-family: var(--ticker-font, inherit);
  --ground: var(--ticker-background, light-dark(#fff, #15181d)); background: var(--ground);
  color: var(--ticker-color, light-dark(#14171c, #eceff3));
  border-radius: var(--ticker-radius); overflow: clip;
  --muted: var(--ticker-muted, color-mix(in srgb, currentcolor 72%, transparent));
  --accent: var(--ticker-accent, light-dark(#b4001e, #ff8080));
  --line: 1px solid var(--ticker-rule, color-mix(in srgb, currentcolor 16%, transparent));
}
.row {
  flex: 1 1 var(--ticker-height, calc(2.75em + var(--lines) * 4.5em)); min-block-size: 0; display: grid;
  grid-template: "header controls" 2.75em "view view" minmax(0, 1fr) / minmax(0, max-content) minmax(max-content, 1fr);
}
.flow .row { flex-basis: 6.25em; grid-template-rows: 2em minmax(0, 1fr) }
.flow .header { font-size: min(1em, 3.5cqi, 6.4cqi - .6em) }
.header, .controls { display: flex; align-items: center; gap: .25em; white-space: nowrap }
[dir=""] > .row > * { visibility: hidden }
[dir=""] :is(.status, slot) { visibility: visible }
.header { grid-area: header }
.controls { grid-area: controls; justify-content: end; padding-inline-end: .5em }
.rows section { border-block-start: var(--line) }
.rows .header { padding-inline-start: 1em }
.title { font-weight: 700; overflow: hidden }
.title::before { content: ""; display: inline-block; border: .25em solid var(--muted); border-radius: 1em;
  margin-inline-end: .5em; vertical-align: .15em }
[data-state=live] .title::before { border-color: var(--accent) }
.label { display: flex; align-items: center; align-self: stretch; padding-inline: .75em;
  line-height: 1.2; text-transform: uppercase; white-space: normal }
.label, .test { background: var(--accent); color: rgb(from var(--ground) r g b / 1) }
.flow .label::before { border-color: currentcolor }
.test { padding: 0 .5em; border: 2px solid }
.status, .age, .count, .note { color: var(--muted); font-weight: 400 }
.status { flex: 1; inline-size: 0; overflow: hidden; white-space: normal; text-indent: .5em }
.new:not([hidden]) ~ .count { display: none }
.count { min-inline-size: 2.5em; text-align: center }
.age { white-space: nowrap }
button { all: unset; box-sizing: border-box; flex: none; display: flex; align-items: center; justify-content: center;
  min-block-size: max(24px, 2.25em); min-inline-size: max(24px, 2.25em); padding: 0 .5em;
  border: var(--line); border-radius: var(--ticker-radius, .25em) }
button, .tag, .status, .age, .count, .note { font-size: .8125em }
.icon { border: .4em solid; clip-path: polygon(0 0, 30% 0, 80% 50%, 30% 100%, 0 100%, 50% 50%) }
.previous > .icon { rotate: 180deg }
[dir=rtl] .icon { scale: -1 }
.pause > .icon { clip-path: polygon(0 0, 30% 0, 30% 100%, 70% 100%, 70% 0, 100% 0, 100% 100%, 0 100%) }
.resume > .icon { scale: 1; clip-path: polygon(0 0, 100% 50%, 0 100%) }
.announcer { position: fixed; clip-path: inset(50%) }
.new, .tag { color: var(--accent); font-weight: 700 }
:focus-visible { outline: 2px solid var(--ticker-focus, var(--accent)); outline-offset: -2px }
section { grid-area: view; position: relative; overflow-wrap: anywhere; contain: inline-size; overflow: hidden auto; overflow-anchor: none;
  scrollbar-color: var(--muted) var(--ground) }
slot { display: block; padding: .6em 1em }
ol { all: unset }
ol, li { display: block }
li.flash { font-weight: 700 }
.attribution { font-weight: 600 }
.score { white-space: nowrap }
a { color: inherit }
a:not(:hover) { text-decoration: none }
.rows ol { position: absolute; inset: auto 0 100%; transform: translateY(100%) }
.rows li { display: flex; align-items: baseline; gap: .75em; padding: .6em 1em; line-height: 1.45; border-block-end: var(--line) }
.rows .age { order: -1; flex: 0 0 6.5em }
.rows li.flash { border-inline-start: .25em solid var(--accent); padding-inline-start: .75em }
.flow section { align-self: center; margin-inline: 1em }
.strip section { block-size: 100%; scrollbar-width: none }
.strip ol { display: grid; align-items: center; min-block-size: 100% }
.flow .note { display: inline }
.flow li { display: flex; align-items: center; gap: 0 .75em }
.strip li { display: grid }
.strip section:not(:hover, :focus-within) .text { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden }
.crawl section { overflow: hidden }
.crawl ol { display: grid; justify-items: start; white-space: nowrap }
.crawl li { grid-area: 1 / 1 }
.crawl li:not(:only-child)::after { content: ""; display: inline-block; border: .2em solid var(--accent); margin-inline: 1.25em; vertical-align: .15em }
@container (max-width: 40em) {
  .rows li { flex-flow: column; align-items: stretch; gap: 0 }
  .rows .age { flex: none }
}
@container (min-width: 48em) {
  .flow .row { flex-basis: 3.5em; grid-template: "header view controls" minmax(0, 1fr) / auto minmax(0, 1fr) auto }
  .flow .status { inline-size: auto; max-inline-size: 14em }
  .strip li { display: flex }
}
@media not (prefers-reduced-motion) {
  .rows .fresh { animation: fresh 6s }
  @keyframes fresh { from { background: var(--ticker-fresh, color-mix(in srgb, var(--accent) 16%, transparent)) } }
}
@media print {
  :host { block-size: auto !important }
  .controls { display: none }
  :is(.ticker, .row, section, ol, li, .text) { all: unset !important; display: block !important }
}
`;

/** Return the style sheet, which all elements share. */
export function styleSheet() {
  if (typeof sheet === "string") {
    const text = sheet;
    sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
  }
  return sheet;
}
