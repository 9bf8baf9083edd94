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

/**
 * Return the words of a language. All other words than the English ones come with the board.
 * @param {string} lang e.g. "es" or "es-MX"
 * @param {import("./fold.js").Edition} [edition] of the board
 * @returns {Record<string, string>}
 */
export const wordsOf = (lang, edition) => ({ ...ENGLISH, ...edition?.words?.[lang.split("-")[0]] });
