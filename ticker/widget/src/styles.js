/**
 * The element's style sheet.
 *
 * In the list layout, the list is positioned by its lower end: a line that comes or goes moves the list as a whole, and
 * older lines keep their place in it. Browsers don't count that as a layout shift. See `update` in `list.js`.
 */
const CSS = `
:host { display: block; min-inline-size: min(100%, 20em) }
:host([hidden]), [hidden] { display: none !important }
[part=ticker] {
  all: initial; color-scheme: inherit; display: flex; flex-direction: column; container-type: inline-size;
  font: 400 var(--ticker-size, medium)/1.45 serif; font-family: var(--ticker-font, inherit);
  --ground: var(--ticker-background, light-dark(#fff, #15181d)); background: var(--ground);
  color: var(--ticker-color, light-dark(#14171c, #eceff3));
  border-radius: var(--ticker-radius); overflow: clip; overflow-wrap: anywhere;
  --muted: var(--ticker-muted, color-mix(in srgb, currentcolor 72%, transparent));
  --accent: var(--ticker-accent, light-dark(#b4001e, #ff8080));
  --line: 1px solid var(--ticker-rule, color-mix(in srgb, currentcolor 16%, transparent));
}
[part=header] { display: flex; align-items: center; white-space: nowrap; gap: .5em; block-size: 2.75em; padding-inline: 1em .5em;
  border-block-end: var(--line) }
[part=title] { font-weight: 700 }
[part=test] { padding: 0 .5em; border: 2px solid; background: var(--accent); color: var(--ground) }
[part=title]::before { content: ""; display: inline-block; border: .25em solid var(--muted); border-radius: 1em;
  margin-inline-end: .5em; vertical-align: .15em }
[data-state=live] [part=title]::before { border-color: var(--accent) }
[part=title], [part=status] { min-inline-size: 0; overflow: hidden; text-overflow: ellipsis }
[part=status], [part=age], [part=count], [part=note] { color: var(--muted); font-size: .8125em; font-weight: 400;
  font-variant-numeric: tabular-nums }
[part=status] { flex: 1 }
button { all: unset; box-sizing: border-box; flex: none; font-size: .8125em; min-block-size: 2.1em; min-inline-size: 2.1em;
  padding-inline: .7em; text-align: center; border: var(--line);
  border-radius: var(--ticker-radius, .25em) }
button:hover { border-color: currentcolor }
[part=new], [part~=tag] { color: var(--accent); font-size: .8125em; font-weight: 700 }
:focus-visible { outline: 2px solid; outline-offset: -2px }
section { position: relative; flex: 1; min-inline-size: 0; overflow: hidden auto; overflow-anchor: none;
  block-size: var(--ticker-height, calc(var(--lines) * 3.5em)) }
ol { all: unset }
li { display: flex; align-items: baseline; gap: .75em; padding-inline: 1em }
[part~=urgent] { font-weight: 700 }
[part=attribution] { font-weight: 600 }
a { color: inherit; text-decoration: none }
a:hover { text-decoration: underline }
.announcer { position: fixed; clip-path: inset(50%) }
.list ol { position: absolute; inset-inline: 0; bottom: 100%; transform: translateY(100%) }
.list li { padding-block: .6em; border-block-end: var(--line) }
.list [part=age] { flex: 0 0 6.5em }
.list [part~=urgent] { border-inline-start: .25em solid var(--accent); padding-inline-start: .75em }
.strip ol, .crawl ol { display: flex; align-items: center; min-block-size: 100% }
.strip section { block-size: 4.2em }
.crawl section { block-size: 2.75em; overflow: hidden }
.crawl ol { inline-size: max-content; white-space: nowrap }
@container (max-width: 40em) {
  section { block-size: var(--ticker-height, calc(var(--lines) * 5.6em)) }
  .strip section { block-size: 7.6em }
  .list li, .strip li { display: block }
}
@container (min-width: 56em) {
  .strip .row, .crawl .row { display: flex }
  .strip [part=header], .crawl [part=header] { flex: 0 0 22em; box-sizing: border-box; block-size: auto; border-block-end: 0 }
}
@media not (prefers-reduced-motion) {
  .list [part~=fresh] { animation: fresh 6s }
  @keyframes fresh { from { background: var(--ticker-fresh, color-mix(in srgb, var(--accent) 16%, transparent)) } }
}
@media print {
  button, [part=status] { display: none }
  [part=ticker] section { block-size: auto; overflow: visible }
  [part=ticker] ol { display: block; position: static; transform: none !important; white-space: normal; inline-size: auto }
  li[hidden] { display: flex !important }
}
`;

/** @type {CSSStyleSheet | undefined} */
let sheet;

/** Return the style sheet, which all elements share. It is made for the first one, because a server can't make it. */
export function styleSheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
