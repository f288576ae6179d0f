/**
 * What this person wishes of Easel in the middle of a call, and what came of it. Pure.
 *
 * A wish: {status: 'none'|'asking'|'yes'|'no'|'unknown', id of the request, what is wanted by it,
 * sentence of a refusal, known: what is known to hold}; `wanted` and `known` by the keys that `room`
 * of POST /start takes, null for what is left to the model.
 */

export const EMPTY = Object.freeze({
  status: 'none', id: null, wanted: Object.freeze({}), sentence: '', known: Object.freeze({}),
});

/** The prebuilt voices of the API. */
export const VOICES = Object.freeze([
  'Achernar', 'Achird', 'Algenib', 'Algieba', 'Alnilam', 'Aoede', 'Autonoe', 'Callirrhoe', 'Charon',
  'Despina', 'Enceladus', 'Erinome', 'Fenrir', 'Gacrux', 'Iapetus', 'Kore', 'Laomedeia', 'Leda', 'Orus',
  'Puck', 'Pulcherrima', 'Rasalgethi', 'Sadachbia', 'Sadaltager', 'Schedar', 'Sulafat', 'Umbriel',
  'Vindemiatrix', 'Zephyr', 'Zubenelgenubi',
]);

export const LANGUAGES = Object.freeze([
  'ar-XA', 'bn-IN', 'cmn-CN', 'cs-CZ', 'da-DK', 'de-DE', 'el-GR', 'en-AU', 'en-GB', 'en-IN', 'en-US',
  'es-ES', 'es-US', 'fi-FI', 'fr-CA', 'fr-FR', 'hi-IN', 'id-ID', 'it-IT', 'ja-JP', 'ko-KR', 'nb-NO',
  'nl-NL', 'pl-PL', 'pt-BR', 'pt-PT', 'ro-RO', 'ru-RU', 'sv-SE', 'ta-IN', 'te-IN', 'th-TH', 'tr-TR',
  'uk-UA', 'vi-VN',
]);

export const KEYS = Object.freeze(['voice', 'language', 'systemInstruction']);

const text = (value) => (typeof value === 'string' ? value : null);

/** What to ask for: the fields of `form` that differ from what is known. Empty text is no choice. */
export function difference(known, form) {
  const pairs = KEYS.map((key) => [key, form[key]?.trim() || null]);
  return Object.fromEntries(pairs.filter(([key, value]) => value !== (known[key] ?? null)));
}

/**
 * `settings` as GET /sessions/{id} tells them: what is left to the model is left out, and instructions
 * are not told to anybody.
 */
export function told(wish, settings) {
  const voice = text(settings?.voice);
  const language = text(settings?.language);
  const isNews = voice !== wish.known.voice || language !== wish.known.language;
  return isNews ? { ...wish, known: { ...wish.known, voice, language } } : wish;
}

/** `wanted` as `difference` gives it. */
export function asked(wish, id, wanted) {
  return { ...wish, status: 'asking', id, wanted, sentence: '' };
}

export const isAnswerTo = (wish, id) => wish.status === 'asking' && wish.id === id;

/** After a server-response or error-response; others than the one that is waited for change nothing. */
export function answered(wish, { type, id, data }) {
  if (!isAnswerTo(wish, id)) return wish;
  const over = { ...wish, id: null, wanted: EMPTY.wanted };
  if (type === 'server-response') return { ...over, status: 'yes', known: { ...wish.known, ...wish.wanted } };
  return { ...over, status: 'no', sentence: text(data.error) ?? '' };
}

/** No answer came in time, or the connection that it would have come by is gone. */
export function unanswered(wish, id) {
  return isAnswerTo(wish, id) ? { ...wish, status: 'unknown', id: null, wanted: EMPTY.wanted } : wish;
}
