/** The words of the interface. The `words` attribute overrides them one by one. */

const ENGLISH = {
  breaking: "Breaking",
  pause: "Pause",
  resume: "Resume",
  previous: "Previous",
  next: "Next",
  more: "New: ",
  paused: "Paused",
  waiting: "Reconnecting…",
  offline: "Offline",
  stopped: "Not available",
  incomplete: "Some lines may be missing or outdated",
  empty: "No lines yet",
  flash: "Flash",
  bulletin: "Bulletin",
  urgent: "Urgent",
  update: "Updated",
  correction: "Correction",
  withdrawn: "Withdrawn",
  test: "TEST",
};

/** @typedef {typeof ENGLISH} Words */

/** The words of an element that has never had a board. The other words of these languages come with the first board. */
const STATES = {
  ar: { waiting: "إعادة الاتصال…", offline: "بلا اتصال", stopped: "غير متاح" },
  es: { waiting: "Reconectando…", offline: "Sin conexión", stopped: "No disponible" },
};

/** Return the language of a tag such as "es-MX". @param {string} tag @returns {keyof typeof STATES} */
const languageOf = (tag) => /** @type {keyof typeof STATES} */ (tag.split("-")[0]);

/**
 * Return the words of a language, or the English ones.
 * @param {string} lang e.g. "es" or "es-MX"
 * @param {import("./fold.js").Edition} [edition] of the board
 * @returns {Record<string, string>}
 */
export const wordsOf = (lang, edition) => ({
  ...ENGLISH,
  ...STATES[languageOf(lang)],
  ...edition?.words?.[languageOf(lang)],
});

/**
 * Return the likely language of an edition before its first board: its name, or the language of the page.
 * @param {HTMLElement & { edition: string }} element
 */
export const likelyLanguage = (element) =>
  [element.edition, document.documentElement.lang].find(
    (tag) => languageOf(tag) in STATES,
  ) ?? "en";
