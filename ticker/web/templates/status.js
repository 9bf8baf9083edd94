// The status page: it asks for the status once per second, and shows it. All texts become text nodes.

const PERIOD_MS = 1_000;
const TIMEOUT_MS = 5_000;
const STALE_MS = 5_000; // without an answer for this long, the page says that its figures are old
const TOKEN_KEY = "ticker-status-token"; // in the storage of this tab: an address would end up in logs and histories
const CHART = { width: 300, height: 40 };
const SVG = "http://www.w3.org/2000/svg";
const KINDS = ["desk", "gateway", "api", "relay"];
const DOT = "\u00a0· "; // no line begins with it
const PROBLEMS = ["status-token-invalid", "status-guesses"]; // those that the form shows

/**
 * The answer: see `ticker/core/status.py`.
 * @typedef {"ok" | "warning" | "down" | "unknown"} Level
 * @typedef {{ level: Level, cause: string | null, since: string | null }} State
 * @typedef {State & { round_trip_ms: number | null }} Redis
 * @typedef {State & { name: string, desks: number, following: number, gateways: number, readers: number,
 *   deliveries: number }} Edition
 * @typedef {{ kind: string, id: string, level: Level, cause: string | null, reported_at: string, uptime_s: number,
 *   answers: boolean, readers: number | null, readers_max: number | null, waiting: number | null }} Part
 * @typedef {{ step_s: number, readers: (number | null)[], deliveries: (number | null)[],
 *   most_ms: (number | null)[] }} Minutes
 * @typedef {{ at: string, level: Level, redis: Redis, editions: Edition[], parts: Part[], readers: number,
 *   readers_max: number, gateways: number, gateways_known: number, deliveries: number, history: Minutes,
 *   latency: { half_ms: number | null, most_ms: number | null, slow_ms: number | null } }} Status
 */

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {string} selector @param {ParentNode} [within] @returns {HTMLElement} */
const find = (selector, within = document) => /** @type {HTMLElement} */ (within.querySelector(selector));

/** @type {Record<string, string>} */
const words = JSON.parse(byId("words").textContent ?? "{}");

/** Browsers disagree about the digits of `ar` alone. The tickers have 0–9, and so has this page. */
const language = document.documentElement.lang;
const locale = language === "ar" ? "ar-u-nu-latn" : language;
const numbers = new Intl.NumberFormat(locale);
const list = new Intl.ListFormat(locale);
const times = new Intl.DateTimeFormat(locale, { timeStyle: "medium", hourCycle: "h23" }); // as in logs, and short

/** @param {number} count */
const inDigits = (count) => numbers.format(count);

/** @param {string} instant */
const timeOf = (instant) => times.format(new Date(instant));

/** @param {number} amount @param {string} unit @param {number} [fraction] */
const withUnit = (amount, unit, fraction = 0) =>
  new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: fraction }).format(amount);

/** @param {number} ms */
const duration = (ms) => (ms < 1_000 ? withUnit(ms, "millisecond", 1) : withUnit(ms / 1_000, "second", 1));

/** @param {number} seconds */
function uptime(seconds) {
  for (const [unit, length] of /** @type {const} */ ([["day", 86_400], ["hour", 3_600], ["minute", 60]]))
    if (seconds >= length) return withUnit(Math.floor(seconds / length), unit);
  return withUnit(Math.floor(seconds), "second");
}

/** Set a text if it differs: screen readers read a status again each time. @param {Node} node @param {string} text */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The sentence of a cause. @param {string | null} cause @param {string | null} since @param {string} [fine] */
const sentence = (cause, since, fine = words.works) =>
  cause === null ? fine : (words[cause] ?? cause).replace("{since}", since === null ? "–" : timeOf(since));

/** Show a level as an icon: each has its own shape, so that colour is never the only sign. @param {Element} icon @param {Level} level */
function setLevel(icon, level) {
  icon.querySelector("use")?.setAttribute("href", `#${level}`);
  const row = icon.closest("[data-level]");
  if (row) /** @type {HTMLElement} */ (row).dataset.level = level;
}

/** Draw bars, one per value, from the left. The highest is as high as the chart. @param {string} tile @param {(number | null)[]} values @param {(value: number) => string} shown */
function draw(tile, values, shown) {
  const chart = find(".chart", byId(tile));
  const known = values.filter((value) => value !== null);
  const highest = Math.max(...known, 0);
  const step = CHART.width / values.length;
  const bars = values.map((value, place) => {
    if (!value) return "";
    const height = Math.max((value / highest) * CHART.height, 1);
    return `M${place * step} ${CHART.height}v${-height}h${step * 0.8}v${height}z`;
  });
  chart.querySelector("path")?.setAttribute("d", bars.join(""));
  chart.setAttribute("aria-label", known.length ? `${words.highest}: ${shown(highest)}` : "–");
}

/** @param {string} tile @param {string} figure @param {string} note */
function showTile(tile, figure, note) {
  setText(find(".figure", byId(tile)), figure);
  setText(find(".note", byId(tile)), note);
}

/** @param {Status} status */
function showFigures({ readers, readers_max, deliveries, latency, history, gateways, gateways_known }) {
  const reporting = gateways === gateways_known ? "" : `${DOT}${words.gateways_report}: ${inDigits(gateways)}/${inDigits(gateways_known)}`;
  showTile("readers", inDigits(readers), `${words.room} ${inDigits(readers_max)}${reporting}`);
  showTile("deliveries", inDigits(deliveries), words.recent);
  const { half_ms, most_ms, slow_ms } = latency;
  if (half_ms === null || most_ms === null || slow_ms === null) showTile("latency", "–", words.none_delivered);
  else showTile("latency", `≤ ${duration(most_ms)}`, `${words.most}${DOT}${words.half} ${duration(half_ms)}${DOT}${words.slow} ${duration(slow_ms)}`);
  draw("readers", history.readers, inDigits);
  draw("deliveries", history.deliveries, inDigits);
  draw("latency", history.most_ms, duration);
}

/** @param {Redis} redis */
function showRedis({ level, cause, since, round_trip_ms }) {
  const tile = byId("redis");
  tile.dataset.level = level;
  const note = round_trip_ms === null ? "" : `${words.round_trip} ${duration(round_trip_ms)}`;
  showTile("redis", words[`redis_${level}`], cause === null ? note : sentence(cause, since));
}

/**
 * Make a row once, and then change its cells.
 * @param {HTMLTableSectionElement} body
 * @param {string} key
 * @param {number} place
 */
function rowOf(body, key, place) {
  const heads = [...(body.parentElement?.querySelectorAll("thead th") ?? [])];
  let row = [...body.rows].find((each) => each.dataset.key === key);
  if (!row) {
    row = document.createElement("tr");
    row.dataset.key = key;
    row.setAttribute("role", "row");
    row.append(...heads.map((head, number) => cell(head, number === 0)));
    const state = row.cells[1];
    const icon = document.createElementNS(SVG, "svg");
    icon.setAttribute("aria-hidden", "true");
    icon.append(document.createElementNS(SVG, "use"));
    state.append(icon, document.createElement("span"));
  }
  row.dataset.level ??= "unknown";
  if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null);
  return row;
}

/** @param {Element} head @param {boolean} isFirst */
function cell(head, isFirst) {
  const made = document.createElement(isFirst ? "th" : "td");
  if (isFirst) /** @type {HTMLTableCellElement} */ (made).scope = "row";
  made.setAttribute("role", isFirst ? "rowheader" : "cell");
  made.className = head.className;
  made.dataset.label = head.textContent ?? "";
  return made;
}

/**
 * @param {HTMLTableRowElement} row
 * @param {Level} level
 * @param {string} state
 * @param {string[]} others the cells after the state
 */
function fill(row, level, state, others) {
  setLevel(/** @type {Element} */ (row.cells[1].querySelector("svg")), level);
  setText(find("span", row.cells[1]), state);
  for (const [place, text] of others.entries()) setText(row.cells[place + 2], text);
}

/** @param {string} table @param {Set<string>} keys */
function dropRows(table, keys) {
  for (const row of [...bodyOf(table).rows]) if (!keys.has(row.dataset.key ?? "")) row.remove();
}

/** @param {string} table */
const bodyOf = (table) => /** @type {HTMLTableElement} */ (find(`.${table}-table`)).tBodies[0];

/** @param {Edition[]} editions */
function showEditions(editions) {
  for (const [place, each] of editions.entries()) {
    const row = rowOf(bodyOf("editions"), each.name, place);
    setText(row.cells[0], each.name);
    const following = `${inDigits(each.following)}/${inDigits(each.gateways)}`;
    const figures = [inDigits(each.readers), inDigits(each.deliveries), inDigits(each.desks), following];
    fill(row, each.level, sentence(each.cause, each.since), figures);
  }
  dropRows("editions", new Set(editions.map(({ name }) => name)));
  byId("no-editions").hidden = editions.length > 0;
}

/** @param {number | null} count */
const orDash = (count) => (count === null ? "–" : inDigits(count));

/** @param {Part[]} parts */
function showParts(parts) {
  for (const [place, each] of parts.entries()) {
    const row = rowOf(bodyOf("parts"), each.id, place);
    setText(row.cells[0], `${words[each.kind]} ${each.id}${each.answers ? ` (${words.this})` : ""}`);
    const figures = [timeOf(each.reported_at), uptime(each.uptime_s), orDash(each.readers), orDash(each.waiting)];
    fill(row, each.level, sentence(each.cause, each.reported_at), figures);
  }
  dropRows("parts", new Set(parts.map(({ id }) => id)));
  const silent = KINDS.filter((kind) => !parts.some((part) => part.kind === kind)).map((kind) => words[kind]);
  setText(byId("silent-kinds"), silent.length ? `${words.silent_kinds} ${list.format(silent)}` : "");
}

/** @param {Status} status */
function show(status) {
  setLevel(find(".overall svg"), status.level);
  setText(byId("overall"), words[`level_${status.level}`]);
  setText(byId("updated"), timeOf(status.at));
  /** @type {HTMLTimeElement} */ (byId("updated")).dateTime = status.at;
  showFigures(status);
  showRedis(status.redis);
  showEditions(status.editions);
  showParts(status.parts);
  byId("content").hidden = false;
}

/** @param {boolean} isStale */
function setStale(isStale) {
  const overall = find(".overall");
  overall.toggleAttribute("data-stale", isStale);
  byId("content").toggleAttribute("data-stale", isStale);
  if (isStale) {
    setLevel(find("svg", overall), "unknown");
    setText(byId("overall"), words.stale);
  }
  setText(byId("connection"), isStale ? "" : `${words.connected}${DOT}`);
}

/** @param {string} text */
function say(text) {
  setText(byId("message"), text);
  byId("message").hidden = !text;
}

/** Show what the gateway refused, and return whether to ask again. @param {string} code */
function refuse(code) {
  const needsToken = code.startsWith("status-token") || code === "status-guesses";
  say(needsToken && !PROBLEMS.includes(code) ? "" : (words[code] ?? words.stale));
  if (needsToken) sessionStorage.removeItem(TOKEN_KEY);
  byId("door").hidden = !needsToken;
  byId("content").hidden = true;
  byId("forget").hidden = true;
  return !needsToken && code !== "status-closed";
}

const viewer = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
let answeredAt = performance.now();
let etag = "";

/** Ask once. Return after how many milliseconds to ask again, or 0 for never. */
async function ask() {
  const token = sessionStorage.getItem(TOKEN_KEY);
  const response = await fetch("/status.json", {
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      "Ticker-Viewer": viewer,
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(etag && { "If-None-Match": etag }),
    },
  });
  if (response.ok || response.status === 304) {
    if (response.ok) show(await response.json());
    etag = response.headers.get("ETag") ?? "";
    answeredAt = performance.now();
    byId("door").hidden = true;
    byId("forget").hidden = !token;
    say("");
    setStale(false);
    return PERIOD_MS;
  }
  const { error } = await response.json();
  if (!String(error).startsWith("status-")) return PERIOD_MS; // the gateway starts or stops: the figures become old
  etag = "";
  return refuse(error) ? Number(response.headers.get("Retry-After") ?? 5) * 1_000 : 0;
}

let running = false;

async function run() {
  if (running) return;
  running = true;
  for (let next = PERIOD_MS; next; ) {
    next = document.hidden ? PERIOD_MS : await ask().catch(() => PERIOD_MS);
    if (performance.now() - answeredAt > STALE_MS && !byId("content").hidden) setStale(true);
    if (next) await new Promise((done) => setTimeout(done, next));
  }
  running = false;
}

byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (byId("token"));
  sessionStorage.setItem(TOKEN_KEY, field.value.trim());
  field.value = "";
  void run();
});

byId("forget").addEventListener("click", () => {
  sessionStorage.removeItem(TOKEN_KEY);
  etag = "";
});

void run();
