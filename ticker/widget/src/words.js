/** The words of the interface, by language. The `words` attribute overrides them one by one. */

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

/** @type {Record<string, Words>} */
const TRANSLATIONS = {
  ar: {
    breaking: "عاجل",
    pause: "إيقاف",
    resume: "استئناف",
    previous: "السابق",
    next: "التالي",
    more: "جديد: ",
    paused: "متوقف",
    waiting: "إعادة الاتصال…",
    offline: "بلا اتصال",
    stopped: "غير متاح",
    incomplete: "قد تكون بعض الأخبار ناقصة أو قديمة",
    empty: "لا أخبار بعد",
    flash: "فلاش",
    bulletin: "خبر عاجل",
    urgent: "عاجل",
    update: "تحديث",
    correction: "تصحيح",
    withdrawn: "سُحب الخبر",
    test: "اختبار",
  },
  es: {
    breaking: "Última hora",
    pause: "Pausar",
    resume: "Reanudar",
    previous: "Anterior",
    next: "Siguiente",
    more: "Nuevas: ",
    paused: "En pausa",
    waiting: "Reconectando…",
    offline: "Sin conexión",
    stopped: "No disponible",
    incomplete: "Pueden faltar noticias o no estar al día",
    empty: "Aún no hay noticias",
    flash: "Flash",
    bulletin: "Boletín",
    urgent: "Urgente",
    update: "Actualizada",
    correction: "Corrección",
    withdrawn: "Retirada",
    test: "PRUEBA",
  },
};

/**
 * Return the words of a language, or the English words if the language has no translation.
 * @param {string} lang e.g. "es" or "es-MX"
 * @returns {Record<string, string>}
 */
export const wordsOf = (lang) => ({ ...ENGLISH, ...TRANSLATIONS[lang.split("-")[0]] });
