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

/** What an element may have to say before its first board. @type {Record<string, Partial<Words>>} */
const BEFORE_BOARD = {
  ar: { waiting: "إعادة الاتصال…", offline: "بلا اتصال", stopped: "غير متاح" },
  es: { waiting: "Reconectando…", offline: "Sin conexión", stopped: "No disponible" },
};

/**
 * Return the words of a language. All other words than the English ones come with the board.
 * @param {string} lang e.g. "es" or "es-MX"
 * @param {import("./fold.js").Edition} [edition] of the board
 * @returns {Record<string, string>}
 */
export function wordsOf(lang, edition) {
  const [language] = lang.split("-");
  return { ...ENGLISH, ...BEFORE_BOARD[language], ...edition?.words?.[language] };
}
