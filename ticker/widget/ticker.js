/**
 * `<breaking-ticker edition="en">`: live breaking news on any page. One module, no dependency, no build step.
 *
 * Three parts, one after the other: the fold (what shows, pure), the link (how it gets here) and the element (how it
 * looks and speaks). Attributes, properties, parts and events: `docs/embedding.md`. The wire: `docs/protocol.md`.
 * It is served without these comments (`ticker.widget`), so that they cost readers nothing.
 */

// ------------------------------------------------------------------------------------------------------ the fold

/**
 * One version of a line, as on the wire; `status` is usable, withheld or canceled.
 * @typedef {{
 *   id: string, version: number, number: number, change: string, status: string, text: string,
 *   attribution?: string | null, lang: string, dir: string, urgency: number, section?: string | null,
 *   url?: string | null, created_at: string, updated_at: string, expires_at?: string | null, correction?: string | null,
 *   pinned_until?: string | null, test?: boolean,
 * }} Line
 * @typedef {{ name: string, title: string, lang: string, dir: string, test?: boolean }} Edition
 * @typedef {{ type: "board", position: string, edition: Edition, lines: Line[] }} Board
 * @typedef {Board | { type: "line", position: string, line: Line } | { type: "live" | "heartbeat", position: string } |
 *   { type: "bye", position?: undefined, retry_ms: number }} Message
 */

/** @param {string | null | undefined} instant */
const time = (instant) => Date.parse(instant ?? ""); // NaN where there is none: every comparison with it is false

/**
 * The lines that a reader knows, each in its latest version. The same fold as `ticker.core.board`:
 * `tests/vectors/fold.json` holds both to it.
 */
export class Fold {
  /** @type {Map<string, Line>} */
  #lines = new Map();

  /** @param {Line[]} lines */
  reset(lines) {
    this.#lines = new Map(lines.map((line) => [line.id, line]));
  }

  /**
   * True where the line is new or a later version; a repeat changes nothing.
   * @param {Line} line
   */
  apply(line) {
    if ((this.#lines.get(line.id)?.version ?? 0) >= line.version) return false;
    this.#lines.set(line.id, line);
    return true;
  }

  /**
   * What shows at `now` (ms): pins on top, then the rest, each newest first. Notices of withdrawn lines don't count
   * against `size`, but no more than `size` of them are kept.
   * @param {number} now
   * @param {number} size
   */
  lines(now, size) {
    const isPinned = (/** @type {Line} */ line) => time(line.pinned_until) > now && line.status === "usable";
    const showing = [...this.#lines.values()]
      .filter((line) => line.status !== "withheld" && !(time(line.expires_at) <= now))
      .sort((a, b) => b.number - a.number);
    const shown = showing.filter(isPinned).slice(0, size);
    let room = size - shown.length;
    let notices = size;
    for (const line of showing) {
      if (room <= 0) break;
      if (isPinned(line)) continue;
      if (line.status === "usable") room--;
      else if (notices-- <= 0) continue;
      shown.push(line);
    }
    return shown;
  }

  /**
   * Forget what is too old to come back: memory stays bounded however long a page is open.
   * @param {number} now
   * @param {number} size
   */
  trim(now, size) {
    if (this.#lines.size > 3 * size) this.reset(this.lines(now, 2 * size));
  }
}

/**
 * The next instant after `now` at which one of `lines` expires or its pin ends; Infinity where there is none.
 * @param {Line[]} lines
 * @param {number} now
 */
export const changesAt = (lines, now) =>
  Math.min(...lines.flatMap((line) => [time(line.expires_at), time(line.pinned_until)]).filter((instant) => instant > now));

// ------------------------------------------------------------------------------------------------------ the link

const CONNECT_MS = 10_000; // for the first message, not only for the handshake
const SILENT_MS = 60_000; // a heartbeat comes every 25 s at the latest: two were missed
const STABLE_MS = 10_000; // a connection that stood this long begins the backoff anew
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 30_000;
const GRACE_MS = 30_000; // how long nobody looks before the connection is let go
const SEATS = 4; // of the six connections to a host that a browser opens over HTTP/1.1

/**
 * A place for events, of the few that all pages of a site share in one browser: events that took every connection over
 * HTTP/1.1 would starve whatever else pages load from that host; sockets don't count there. Resolves to what gives the
 * place back, or to null where all are taken; fails where pages can't agree (no secure context, an opaque origin).
 * @returns {Promise<(() => void) | null>}
 */
const seat = (number = 1) =>
  new Promise((/** @type {(leave: any) => void} */ give, fail) =>
    navigator.locks
      .request("breaking-ticker" + number, { ifAvailable: true }, (lock) =>
        lock ? new Promise(give) : give(number < SEATS ? seat(number + 1) : null),
      )
      .catch(fail),
  );

/**
 * Whoever shows what a link brings: how many lines, whether somebody may be looking, and where messages go.
 * @typedef {{ size: number, awake: boolean, receive(message: Message | null, news: boolean): void }} Member
 */

/** @type {Map<string, Link>} */
const links = new Map();
/** @type {Set<BreakingTicker>} */
const elements = new Set();

/** The connection that all elements with one edition and selection share, its fold and its position. */
export class Link {
  fold = new Fold();
  /** @type {Edition | undefined} */
  edition;
  /** The position: what has been seen. */
  position = "";
  /** idle, connecting, live, waiting (to try again), offline or stopped (for good). */
  state = "idle";
  /** @type {Set<Member>} */
  members = new Set();
  #url;
  #wanted; // what the attribute says: events and nothing else, a socket first, or nothing
  #size = 0;
  /** @type {AbortController | undefined} */
  #connection; // or the question in its place
  #wire = ""; // events or socket: which one is next, where the other failed; nothing: whichever suits
  #isEvents = false; // the last try was
  #timer = 0;
  #grace = 0;
  #retries = 0;
  #deaf = 0; // tries in a row that brought no message
  #heardAt = 0;
  #liveAt = 0;

  /** @param {string} url of the edition with the selection as its query, e.g. `https://host/v1/en?section=health` */
  constructor(url) {
    this.#url = url;
    this.#wanted = new URL(url).hash.slice(1);
    links.set(url, this);
  }

  /**
   * Go on from a board that the page came with, unless something better is known.
   * @param {Board} board
   * @param {number} size how many lines it was asked for
   */
  seed(board, size) {
    if (this.#connection || size <= this.#size) return;
    this.#size = size;
    this.#take(board);
  }

  /** Open or let go, after members came, went, woke or dozed. */
  settle() {
    clearTimeout(this.#grace);
    const members = [...this.members];
    const isWanted = members.some((member) => member.awake);
    const size = Math.max(0, ...members.map((member) => member.size));
    if (isWanted && size > this.#size) {
      this.position = ""; // a longer board than this one was asked for
      this.#size = size;
      if (this.#connection) this.#open();
    }
    if (isWanted && this.state === "idle") this.#open();
    // A moment, not none: an element that is moved in the document leaves and comes back in one step.
    if (!isWanted) this.#grace = setTimeout(() => this.rest(), members.length ? GRACE_MS : 0);
  }

  /** Let go, and keep what is known. */
  rest() {
    this.#drop();
    if (this.state !== "stopped") this.#enter("idle");
    if (!this.members.size) links.delete(this.#url);
  }

  /** Somebody came back, or the network did: see at once whether the connection still stands. */
  wake(delay = 0) {
    const isStale = this.#connection && this.#heardAt && Date.now() - this.#heardAt > SILENT_MS;
    if (isStale || this.state === "waiting" || this.state === "offline") this.#retry(delay);
    else this.settle();
  }

  /** The network went: what is open is dead. */
  lose() {
    if (this.#connection) this.#fail();
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#connection?.abort();
    this.#connection = undefined;
  }

  /** @param {string} path @param {string} [after] */
  #address(path, after) {
    const url = new URL(this.#url);
    url.pathname += path;
    url.hash = "";
    url.searchParams.set("lines", String(this.#size));
    if (after) url.searchParams.set("after", after);
    return url.href;
  }

  /** Begin something in the place of what was; `late` where it brings nothing in time. @param {() => void} late */
  #begin(late) {
    this.#drop();
    this.#timer = setTimeout(late, CONNECT_MS);
    return (this.#connection = new AbortController()).signal;
  }

  /**
   * Events first: a page's policy that names this server for connections lets them through, and would report a socket;
   * which policy a page has can't be asked. A socket where all seats are taken, and each where the other failed.
   */
  async #open() {
    const signal = this.#begin(() => this.#ask("/board"));
    this.#heardAt = 0;
    this.#enter("connecting");
    const wire = this.#wire || this.#wanted;
    const leave = wire ? null : await seat().catch(() => null);
    if (signal.aborted) return leave?.();
    this.#isEvents = wire === "events" || !!leave;
    const address = this.#address(this.#isEvents ? "/events" : "/live", this.position);
    const source = this.#isEvents ? new EventSource(address) : new WebSocket(address.replace(/^http/, "ws"), "ticker.v1");
    signal.onabort = () => (source.close(), leave?.());
    for (const type of ["message", "board", "line", "live", "heartbeat", "bye", "error", "close"])
      source.addEventListener(
        type,
        (/** @type {any} */ { data, code }) => (data ? this.#hear(data) : this.#fail(code)), // only a socket's close has one
        { signal }, // what is aborted isn't heard any more
      );
  }

  /**
   * A browser doesn't say why a connection was refused, or why nothing comes. Ask over HTTP: stop where the answer is
   * final, wait where the server refuses for now, and take the other kind where this one doesn't come through.
   * @param {string} path `/events` says how the server would answer now; `/board` answers too where a proxy on the way
   *   holds events back, or where something in the browser blocks them
   */
  async #ask(path) {
    const signal = this.#begin(() => this.#fail());
    const ask = () => fetch(this.#address(path), { signal });
    const answer = await ask().catch(() => ((path = "/board"), ask())).catch(() => undefined);
    if (signal.aborted) return;
    if (!answer?.ok) return this.#fail(/40[034]/.test(`${answer?.status}`) ? 4000 : 0);
    if (!this.#isEvents) this.#wire = "events";
    else if (path === "/board" && this.#wanted !== "events") this.#wire = "socket";
    this.#open();
  }

  /** @param {string} data */
  #hear(data) {
    /** @type {Message} */
    let message;
    let isNews = false;
    try {
      message = JSON.parse(data);
      isNews = this.#take(message);
    } catch {
      return this.#fail(); // what was lost with it comes again after `position`
    }
    const isFirst = !this.#heardAt;
    this.#heardAt = Date.now();
    if (isFirst) this.#watch();
    this.#deaf = 0;
    if (message.type === "bye") return this.#fail(0, message.retry_ms);
    if (message.type === "live") {
      this.#liveAt = this.#heardAt;
      this.#enter("live");
    }
    for (const member of this.members) member.receive(message, isNews);
  }

  /**
   * Take a message into fold and position; true for a line that wasn't known.
   * @param {Message} message
   */
  #take(message) {
    let isNew = false;
    if (message.type === "board") {
      this.edition = message.edition;
      this.fold.reset(message.lines);
    } else if (message.type === "line") {
      isNew = this.fold.apply(message.line);
      this.fold.trim(Date.now(), this.#size);
    }
    this.position = message.position ?? this.position;
    return isNew;
  }

  /** One timer a connection, however many messages; late timers (a tab in the background, sleep) do no harm. */
  #watch() {
    const left = this.#heardAt + SILENT_MS - Date.now();
    clearTimeout(this.#timer);
    if (left > 0) this.#timer = setTimeout(() => this.#watch(), left);
    else this.#fail();
  }

  #fail(code = 0, wait = 0) {
    this.#drop();
    if (code >= 4000) return this.#enter("stopped");
    if (!this.#heardAt && ++this.#deaf % 2 === 0) return void this.#ask("/events");
    if (this.#liveAt && Date.now() - this.#liveAt > STABLE_MS) this.#retries = 0;
    this.#liveAt = 0;
    this.#enter(navigator.onLine ? "waiting" : "offline");
    if (!navigator.onLine) wait ||= RETRY_MAX_MS; // `online` comes sooner
    this.#retry(wait || Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** this.#retries++), wait);
  }

  /** Try again after `least` and a random part of `spread`: thousands lose their gateway in the same moment. */
  #retry(spread = 0, least = 0) {
    clearTimeout(this.#timer);
    const delay = least + (least ? spread / 5 : spread) * Math.random();
    this.#timer = setTimeout(() => this.#open(), delay);
  }

  /** @param {string} state */
  #enter(state) {
    if (state === this.state) return;
    this.state = state;
    for (const member of this.members) member.receive(null, false);
  }
}

// Listeners of the whole page, once, however many elements there are.
const on = (/** @type {string} */ event, /** @type {(link: Link) => void} */ act) =>
  addEventListener(event, () => links.forEach(act));
on("pagehide", (link) => link.rest()); // an open connection keeps a page out of the bfcache
on("offline", (link) => link.lose());
on("online", (link) => link.wake(RETRY_MS));
on("pageshow", (link) => link.wake());
on("visibilitychange", (link) => link.wake());
addEventListener("visibilitychange", () => tick());

// --------------------------------------------------------------------------------------------------- the element

const AGE_MS = 20_000; // how late an age may be
const BATCH_MS = 2_000; // what arrives together is announced together
const QUIET_MS = 10_000; // between announcements
const SPOKEN_LINES = 3; // of a batch; the rest is counted

const ENGLISH = {
  pause: "Pause", resume: "Resume", previous: "Previous", next: "Next", more: "New: ", paused: "Paused",
  waiting: "Reconnecting…", offline: "Offline", stopped: "Not available", empty: "No lines yet", flash: "Flash",
  update: "Updated", correction: "Correction", withdrawn: "Withdrawn", test: "TEST",
};
/** @type {Record<string, typeof ENGLISH>} */
const WORDS = {
  ar: {
    pause: "إيقاف", resume: "استئناف", previous: "السابق", next: "التالي", more: "جديد: ", paused: "متوقف",
    waiting: "إعادة الاتصال…", offline: "بلا اتصال", stopped: "غير متاح", empty: "لا أخبار بعد", flash: "عاجل",
    update: "تحديث", correction: "تصحيح", withdrawn: "سُحب الخبر", test: "اختبار",
  },
  es: {
    pause: "Pausar", resume: "Reanudar", previous: "Anterior", next: "Siguiente", more: "Nuevas: ", paused: "En pausa",
    waiting: "Reconectando…", offline: "Sin conexión", stopped: "No disponible", empty: "Aún no hay noticias",
    flash: "Urgente", update: "Actualizada", correction: "Corrección", withdrawn: "Retirada", test: "PRUEBA",
  },
};

/**
 * How old a line is: "2 min", "3 hr", and from before today the date, in its own language and the reader's zone.
 * @param {number} instant
 * @param {number} now
 * @param {string | undefined} lang
 */
function age(instant, now, lang) {
  const unit = (/** @type {number} */ count, /** @type {string} */ unit) =>
    (count | 0).toLocaleString(lang, { style: "unit", unit });
  const minutes = (now - instant) / 60_000;
  const then = new Date(instant);
  if (minutes < 1) return new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(0, "second");
  if (minutes < 60) return unit(minutes, "minute");
  if (new Date(now).toDateString() === then.toDateString()) return unit(minutes / 60, "hour");
  return then.toLocaleDateString(lang, { dateStyle: "medium" });
}

/**
 * What comes of `act`; undefined where it fails.
 * @template T
 * @param {() => T} act
 */
function attempt(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/** A language that the browser can format for: the reader's own in the place of what is no language. @param {string} lang */
const locale = (lang) => attempt(() => Intl.getCanonicalLocales(lang)[0]);

/**
 * An element with a part, properties and children; texts become text nodes, never markup.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} part
 * @param {Partial<HTMLElementTagNameMap[T]>} [properties]
 * @param {(Node | string)[]} children
 */
function make(tag, part, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  if (part) node.setAttribute("part", part);
  node.append(...children);
  return node;
}

/** What came while it was live. @type {WeakSet<Line>} */
const NEWS = new WeakSet();

// One timer for the ages, expiries, rotations and announcements of all elements on the page.
let clock = 0;
function tick() {
  clearTimeout(clock);
  const now = Date.now();
  const due = Math.min(now + AGE_MS, ...[...elements].map((element) => element.tick(now)));
  if (elements.size) clock = setTimeout(tick, Math.max(50, due - now));
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { display: block; min-inline-size: min(100%, 20em) }
:host([hidden]), [hidden] { display: none !important }
[part=ticker] {
  all: initial; color-scheme: inherit; display: flex; flex-direction: column; container-type: inline-size;
  font: 400 var(--ticker-size, medium)/1.45 var(--ticker-font, system-ui, sans-serif);
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
.heard { position: fixed; clip-path: inset(50%) }
/* Older lines stand still in the layout, hung up by their end: what comes or goes moves the list as a whole, which is
   no layout shift. One change a frame: see #step. */
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
`);

const stillness = matchMedia("(prefers-reduced-motion: reduce)");
stillness.addEventListener("change", () => elements.forEach((element) => element.paint()));

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) /** @type {BreakingTicker} */ (target).look(isIntersecting);
  },
  { rootMargin: "200px" },
);

/** The element. Attributes are its state: a wrong value counts as none. */
export class BreakingTicker extends HTMLElement {
  static observedAttributes = [
    "edition", "lines", "section", "region", "urgency", "layout", "interval", "server", "lang", "words", "label", "paused", "transport",
  ];

  /** @type {Link | undefined} */
  #link;
  #url = "";
  #isSeen = false;
  #isDue = false; // a paint is
  #isChanged = false; // since the last one
  #paintedAt = 0;
  #newest = 0; // the highest number that came
  #waiting = 0; // how many came while paused
  /** @type {Line[]} */
  #lines = []; // what shows; while paused it stays
  /** @type {Map<string, { line: Line, node: HTMLLIElement }>} */
  #shown = new Map();
  /** @type {Line[]} */
  #unsaid = [];
  #quietUntil = 0;
  /** @type {Record<string, string>} */
  #words = ENGLISH;
  #current = ""; // the id of the line in the strip
  #turnAt = 0;
  /** @type {Animation | undefined} */
  #motion;
  /** @type {Element | null | undefined} */
  #focused; // while its line moves

  #test = make("strong", "test");
  #title = make("span", "title");
  #status = make("span", "status", { role: "status" });
  #new = make("button", "new", { onclick: () => this.resume() });
  #previous = make("button", "previous", { onclick: () => (this.pause(), this.#go(-1)) }, "‹");
  #count = make("span", "count");
  #next = make("button", "next", { onclick: () => (this.pause(), this.#go(1)) }, "›");
  #pause = make("button", "pause", { onclick: () => (this.paused ? this.resume() : this.pause()) });
  #list = make("ol", "list", { role: "list" });
  #empty = make("slot", "");
  #view = make("section", "view", {}, this.#list, this.#empty);
  #heard = make("div", "", { className: "heard", ariaLive: "polite" });
  #row = make(
    "div", "", { className: "row" },
    make("div", "header", {}, this.#test, this.#title, this.#status, this.#new, this.#previous, this.#count, this.#next, this.#pause),
    this.#view,
  );
  #frame = make("div", "ticker", {}, this.#row, this.#heard);

  #root = this.attachShadow({ mode: "open" });

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet];
    this.#root.append(this.#frame); // the announcer is there, empty, before there is anything to announce
    for (const type of ["pointerenter", "pointerleave", "focusin", "focusout"])
      this.#view.addEventListener(type, ({ target }) => {
        const item = type === "focusin" && /** @type {Element} */ (target).closest("li");
        if (item && this.#motion) this.#crawl(this.#startOf(this.#list) - this.#startOf(item)); // into sight
        else this.#play();
      });
  }

  /** How many lines show: 1 to 100. */
  get size() {
    const lines = Number(this.getAttribute("lines") ?? 10);
    return lines >= 1 && lines <= 100 ? lines | 0 : 10;
  }

  /** list, strip or crawl; nothing crawls for readers who asked for less motion. */
  get layout() {
    const layout = this.getAttribute("layout") ?? "";
    return layout === "crawl" && stillness.matches ? "strip" : /^(strip|crawl)$/.test(layout) ? layout : "list";
  }

  get awake() {
    return this.#isSeen && !document.hidden;
  }

  /** idle, connecting, live, waiting, offline or stopped. */
  get state() {
    return this.#link?.state ?? "idle";
  }

  /** Where the reader is in the edition's log; empty before anything came. */
  get position() {
    return this.#link?.position ?? "";
  }

  get paused() {
    return this.hasAttribute("paused");
  }

  pause() {
    this.toggleAttribute("paused", true);
  }

  resume() {
    this.toggleAttribute("paused", false);
  }

  connectedCallback() {
    elements.add(this);
    observer.observe(this);
    this.#relink();
  }

  disconnectedCallback() {
    elements.delete(this);
    observer.unobserve(this);
    this.#isSeen = false;
    this.#leave();
  }

  /** @param {string} name @param {string | null} before @param {string | null} value */
  attributeChangedCallback(name, before, value) {
    if (before === value || !this.isConnected) return;
    if (name === "paused") {
      this.#waiting = 0;
      this.#current = value === null ? "" : this.#current; // on with the newest
      this.#hush();
    }
    this.#relink();
  }

  /** @param {boolean} isSeen */
  look(isSeen) {
    this.#isSeen = isSeen;
    this.#link?.settle();
    this.#play();
  }

  #leave() {
    this.#link?.members.delete(this);
    this.#link?.settle();
    this.#link = undefined;
  }

  /** Follow the edition and the selection that the attributes say, and show what is known of them. */
  #relink() {
    const url = this.#address();
    if (url !== this.#url || !this.#link) {
      if (url !== this.#url) this.#lines = [];
      this.#leave();
      this.#url = url;
      if (url) {
        this.#link = links.get(url) ?? new Link(url);
        this.#link.members.add(this);
        this.#takeSeed(this.#link);
      }
    }
    this.#link?.settle();
    this.paint();
    tick();
  }

  #address() {
    const edition = this.getAttribute("edition");
    const server = this.getAttribute("server")?.replace(/\/*$/, "/");
    const home = import.meta.url.replace(/(\/widget)?\/[^/]*(\/[^/]*\.js)?$/, "/");
    const url = edition && attempt(() => new URL("v1/" + encodeURIComponent(edition), server ?? home));
    if (!url) return "";
    for (const name of ["section", "region", "urgency"])
      for (const value of new Set(this.getAttribute(name)?.match(/[^\s,]+/g)?.sort())) url.searchParams.append(name, value);
    url.hash = this.getAttribute("transport")?.match(/^(events|socket)$/)?.[0] ?? "";
    return url.href;
  }

  /**
   * A page that a server rendered brings the board message: go on from there, and take what was rendered away (a line
   * that is withdrawn has to be gone from the whole document).
   * @param {Link} link
   */
  #takeSeed(link) {
    const data = this.querySelector("script[type='application/json']");
    if (!data) return;
    attempt(() => link.seed(JSON.parse(data.textContent ?? ""), this.size)); // no board: the server sends one
    this.replaceChildren();
  }

  /**
   * @param {Message | null} message null where only the link's state changed
   * @param {boolean} isNew
   */
  receive(message, isNew) {
    if (!message) this.#emit("state", { state: this.state });
    else if (message.type === "board") this.#lines = []; // also while paused: what was held may be of another history
    else if (message.type === "line" && isNew) {
      const { line } = message;
      const isLive = this.state === "live";
      if (line.status !== "usable") this.#takeBack(line);
      else if (line.number > this.#newest) {
        this.#newest = line.number;
        if (this.paused) this.#waiting++;
        else this.#current = line.id;
      }
      if (isLive) this.#say(line), NEWS.add(line);
      this.#emit("line", { line, live: isLive });
    }
    this.#schedule();
  }

  /** @param {string} name @param {object} detail */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(`ticker:${name}`, { detail, bubbles: true, composed: true }));
  }

  /**
   * Withdrawn means gone, also while paused or about to be announced, and before the next frame.
   * @param {Line} line
   */
  #takeBack(line) {
    this.#hush(line.id);
    this.#lines = this.#lines.flatMap((each) => (each.id !== line.id ? each : line.status === "withheld" ? [] : line));
    const shown = this.#shown.get(line.id);
    if (shown) this.#isChanged = this.#fill(shown, line);
  }

  // What is announced

  /** @param {Line} line */
  #say(line) {
    const speaker = [...elements].find(
      (each) => each.#link === this.#link && each.getAttribute("announce") !== "off" && !each.paused && each.awake,
    );
    const isWorth = /^(new|update|correct|release)$/.test(line.change) ? "usable" : line.change === "withdraw" && "canceled";
    if (this !== speaker || line.status !== isWorth) return; // of several elements that share a link, one speaks
    this.#unsaid = [line, ...this.#unsaid.filter((each) => each.id !== line.id)].slice(0, 99);
    this.#quietUntil ||= Date.now() + BATCH_MS;
    tick();
  }

  /** Forget what is to be announced, of one line or of all. @param {string} [id] */
  #hush(id) {
    this.#unsaid = this.#unsaid.filter((line) => id && line.id !== id);
    for (const node of [...this.#heard.children]) if (!id || node.id === id) node.remove();
  }

  /** @param {number} now */
  #speak(now) {
    const lines = this.#unsaid.splice(0);
    const rest = lines.length - SPOKEN_LINES;
    this.#quietUntil = lines.length ? now + QUIET_MS : 0;
    this.#heard.replaceChildren(
      ...lines.slice(0, SPOKEN_LINES).map((line) =>
        make("p", "", { id: line.id, lang: line.lang, dir: line.dir }, this.#tagOf(line)[1], " ", ...this.#textOf(line)),
      ),
      rest > 0 ? this.#words.more + rest : "",
    );
  }

  /** What is due by now; when the next thing is. @param {number} now */
  tick(now) {
    let due = changesAt(this.#lines, this.#paintedAt);
    if (due <= now) this.#schedule();
    for (const { line, node } of this.#shown.values())
      set(/** @type {HTMLElement} */ (node.firstChild), age(time(line.created_at), now, locale(line.lang)));
    if (this.#quietUntil && now >= this.#quietUntil) this.#speak(now);
    const pace = 1000 * Number(this.getAttribute("interval"));
    if (this.layout === "strip" && pace >= 3000 && !stillness.matches) {
      if (now >= this.#turnAt) {
        if (this.#turnAt && this.awake && !this.paused && !this.#view.matches(":hover, :focus-within")) this.#go(1);
        this.#turnAt = now + pace;
      }
      due = Math.min(due, this.#turnAt);
    }
    return Math.min(due, this.#quietUntil || due);
  }

  // What shows

  #schedule() {
    if (this.#isDue) return;
    this.#isDue = true;
    if (document.hidden) queueMicrotask(() => this.paint());
    else requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.#isDue = false;
    this.#paintedAt = Date.now();
    if (!this.paused || !this.#lines.length) this.#lines = this.#link?.fold.lines(this.#paintedAt, this.size) ?? [];
    const { layout } = this;
    const moved = this.#focused;
    const focused = /** @type {HTMLElement | null} */ (moved ?? this.#root.activeElement);
    const view = this.#view;
    const height = view.scrollHeight;
    const [lines, start] = layout === "crawl" ? this.#ring() : [this.#lines, 0];
    this.#label(layout);
    while (this.#isChanged || this.#step(lines)) {
      this.#isChanged = false;
      if (layout !== "list" || document.hidden) continue;
      this.#schedule();
      break;
    }
    this.#go(0);
    if (layout === "crawl") this.#crawl(start);
    else this.#motion = void this.#motion?.cancel();
    // A reader who has scrolled down stays with the lines that are there.
    if (view.scrollTop > 0) view.scrollTop += view.scrollHeight - height;
    view.tabIndex = view.scrollHeight > view.clientHeight + 1 ? 0 : -1;
    this.#focused = null;
    if (focused && (moved || !this.#root.activeElement)) {
      if (!focused.isConnected && this.#shown.has(focused.closest("li")?.id ?? "")) this.#focused = focused;
      (focused.isConnected ? focused : view).focus({ preventScroll: true });
    }
  }

  /**
   * One step from what shows to `lines`: a changed line, or one run of lines that go, come or are replaced. One a frame,
   * because two at once are a layout shift for what stands between them. True where a step was made.
   * @param {Line[]} lines
   */
  #step(lines) {
    for (const line of lines) {
      const shown = this.#shown.get(line.id);
      if (shown && shown.line !== line) return this.#fill(shown, line);
    }
    const nodes = [...this.#list.children];
    const wanted = lines.map((line) => this.#shown.get(line.id)?.node);
    const first = lines.findIndex((_, index) => !wanted[index] || wanted[index] !== nodes[index]);
    const at = first < 0 ? lines.length : first;
    let end = at;
    while (nodes[end] && !wanted.includes(/** @type {HTMLLIElement} */ (nodes[end]))) end++;
    for (const node of nodes.slice(at, end)) {
      this.#shown.delete(node.id);
      node.remove();
    }
    let index = at;
    for (; index < lines.length && !wanted[index]?.isConnected; index++)
      this.#list.insertBefore(wanted[index] ?? this.#add(lines[index]), nodes[end] ?? null);
    if (index > at || end > at) return true;
    wanted[at]?.remove(); // it moves: out of its old place now, into the new one with the next step
    return !!wanted[at];
  }

  /** @param {Line} line */
  #add(line) {
    const shown = { line, node: make("li", "", { id: line.id }) };
    this.#shown.set(line.id, shown);
    this.#fill(shown, line);
    return shown.node;
  }

  /** @param {string} layout */
  #label(layout) {
    const { edition } = this.#link ?? {};
    const { state } = this;
    const lang = this.lang || edition?.lang || "en";
    /** @type {Record<string, string>} */
    const words = (this.#words = {
      ...ENGLISH, ...WORDS[lang.split("-")[0]], ...attempt(() => JSON.parse(this.getAttribute("words") ?? "{}")),
    });
    const label = this.getAttribute("label") ?? edition?.title ?? "";
    Object.assign(this.#frame, { lang, dir: edition?.dir ?? "", className: layout });
    this.#frame.dataset.state = state;
    this.#frame.style.setProperty("--lines", `${this.size}`);
    const mark = edition?.test ? words.test : "";
    set(this.#test, mark);
    this.#test.hidden = !mark;
    this.#view.ariaLabel = `${mark} ${label}`.trim();
    this.#previous.ariaLabel = words.previous;
    this.#next.ariaLabel = words.next;
    set(this.#title, label);
    set(this.#status, words[state] ?? (this.paused ? words.paused : ""));
    set(this.#pause, this.paused ? words.resume : words.pause);
    set(this.#new, words.more + this.#waiting);
    this.#new.hidden = !this.#waiting;
    this.#previous.hidden = this.#count.hidden = this.#next.hidden = layout !== "strip";
    set(this.#empty, state === "live" ? words.empty : ""); // in the place of a fallback that the page doesn't give
    this.#empty.hidden = this.#lines.length > 0;
  }

  /** Another line of the strip. @param {number} by */
  #go(by) {
    const lines = this.#lines;
    const at = Math.max(0, lines.findIndex((line) => line.id === this.#current));
    const to = (at + by + lines.length) % lines.length;
    this.#current = lines[to]?.id ?? "";
    set(this.#count, lines[to] ? `${to + 1}/${lines.length}` : "");
    for (const [id, { node }] of this.#shown) node.hidden = this.layout === "strip" && id !== this.#current;
  }

  // The crawl

  /** How far an item's beginning is from the view's, the way the language runs. @param {Element} node */
  #startOf(node) {
    const [box, view] = [node, this.#view].map((each) => each.getBoundingClientRect());
    return this.#frame.dir === "rtl" ? view.right - box.right : box.left - view.left;
  }

  /**
   * The order in the crawl, and where it begins: what is in sight stays where it is, what is new comes next, then what
   * was to come; what has passed comes last.
   * @returns {[Line[], number]}
   */
  #ring() {
    const width = this.#view.clientWidth;
    const places = new Map(this.#lines.map((line, index) => {
      const node = this.#shown.get(line.id)?.node;
      const start = node ? this.#startOf(node) : width;
      return [line, !node || start + node.offsetWidth > 0 ? start : 1e6 + index];
    }));
    const place = (/** @type {Line} */ line) => places.get(line) ?? 0;
    return [[...this.#lines].sort((a, b) => place(a) - place(b)), Math.min(width, ...places.values())];
  }

  /** Go on, unless it is paused, nobody looks, or somebody is at a line. */
  #play() {
    const isHeld = this.paused || !this.awake || this.#view.matches(":hover, :focus-within");
    if (this.#motion) isHeld ? this.#motion.pause() : this.#motion.play();
  }

  /** Move from `start` until everything has passed, then again. @param {number} start */
  #crawl(start) {
    const width = this.#list.offsetWidth;
    const way = this.#frame.dir === "rtl" ? -1 : 1;
    this.#motion?.cancel();
    this.#view.scrollLeft = 0; // where the browser brought a focused link into sight
    this.#motion = this.#list.animate(
      { transform: [start, -width].map((x) => `translateX(${way * x}px)`) },
      { duration: (1000 * (start + width)) / 80, fill: "forwards" },
    );
    this.#motion.onfinish = () => this.#schedule();
    this.#play();
  }

  // A line

  /** The part that marks a line's kind, and the word for it. @param {Line} line */
  #tagOf({ status, correction, urgency, change, test }) {
    const kind = status !== "usable" ? "withdrawn" : correction ? "correction" : urgency === 1 ? "flash" : change;
    return [kind, [test && this.#words.test, this.#words[kind]].filter(Boolean).join(" ")];
  }

  /** A line's words; the attribution can't turn the direction of what follows. @param {Line} line */
  #textOf({ attribution, text, correction, status }) {
    if (status !== "usable") return [correction ?? ""];
    return attribution ? [make("bdi", "attribution", {}, attribution), `: ${text}`] : [text];
  }

  /** Put a version of a line into its item. @param {{ line: Line, node: HTMLLIElement }} shown @param {Line} line */
  #fill(shown, line) {
    const { node } = shown;
    const { lang, dir, urgency, url, created_at, status, version, correction } = line;
    const [kind, word] = this.#tagOf(line);
    const isUsable = status === "usable";
    const instant = time(created_at);
    const tongue = locale(lang);
    const text = this.#textOf(line);
    const had = node.contains(this.#root.activeElement);
    shown.line = line;
    Object.assign(node, { lang, dir });
    node.setAttribute(
      "part",
      `line ${kind}` + (isUsable && urgency === 1 ? " urgent" : "") + (version === 1 && NEWS.has(line) ? " fresh" : ""),
    );
    node.replaceChildren(
      make("time", "age", { dateTime: created_at, title: new Date(instant).toLocaleString(tongue) }, age(instant, Date.now(), tongue)),
      make("div", "text", {}, ...(word ? [make("span", `tag ${kind}`, { lang: this.#frame.lang }, word), " "] : []),
        ...(isUsable && url && /^https?:/i.test(url) ? [make("a", "link", { href: url, rel: "noopener" }, ...text)] : text),
        isUsable && correction ? make("div", "note", {}, correction) : ""),
    );
    if (had) (node.querySelector("a") ?? this.#view).focus({ preventScroll: true });
    return true;
  }
}

/** @param {HTMLElement} node @param {string} text */
function set(node, text) {
  if (node.textContent !== text) node.textContent = text; // a status that is set again is read again
}

// A page may load the module twice, from two addresses.
if (!customElements.get("breaking-ticker")) customElements.define("breaking-ticker", BreakingTicker);
