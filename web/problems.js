/**
 * Everything that can go wrong, in words a person understands. Pure.
 *
 * A Problem has a `code` (a key of WORDS), a `detail` from the service when there is one, `final`
 * (trying the same again cannot help) and `retryAfterS` when the service named a time.
 */

export class Problem extends Error {
  constructor(code, { detail = '', final = true, retryAfterS = null } = {}) {
    super(code);
    this.name = 'Problem';
    this.code = code;
    this.detail = detail;
    this.final = final;
    this.retryAfterS = retryAfterS;
  }
}

export const Action = Object.freeze({ RECONNECT: 'reconnect', NEW_ROOM: 'new-room', RETRY: 'retry', HERE: 'here' });

const quoted = (detail) => (detail ? ` The service says: “${detail}”` : '');
const soon = (problem) =>
  problem.retryAfterS ? `Try again in ${seconds(problem.retryAfterS)}.` : 'Try again in a moment.';

function seconds(count) {
  if (count < 90) return `${Math.ceil(count)} second${Math.ceil(count) === 1 ? '' : 's'}`;
  return `${Math.ceil(count / 60)} minutes`;
}

/** code → [title, sentence or (problem) → sentence, action or undefined]. */
const WORDS = {
  'insecure-page': ['No microphone or camera on this page',
    'Browsers give them only to secure (https) pages. You can still type, and hear the answers.'],
  'mic-denied': ['The microphone is blocked',
    'You can type, and hear the answers. To speak, allow the microphone for this page in the browser’s address bar, then press the microphone button.'],
  'mic-missing': ['No microphone found',
    'You can type, and hear the answers. Plug one in and press the microphone button to speak.'],
  'mic-busy': ['The microphone cannot be used',
    'Another program may be holding it. Close that program, then press the microphone button.'],
  'mic-ended': ['The microphone is gone',
    'It was unplugged or switched off. Press the microphone button to choose another.'],
  'camera-denied': ['The camera is blocked',
    'Easel hears you but does not see. To show something, allow the camera in the browser’s address bar, then press the camera button.'],
  'camera-missing': ['No camera found',
    'Easel hears you but does not see. You can drop pictures into the conversation instead.'],
  'camera-busy': ['The camera cannot be used',
    'Another program may be holding it. Close that program, then press the camera button.'],
  'camera-ended': ['The camera is gone',
    'It was unplugged or switched off. Press the camera button to start it again.'],
  'media-denied': ['No microphone and no camera',
    'The browser was not allowed to use them, so this is a conversation in writing: type below, and you will hear and read the answers. Allow them in the address bar whenever you like, then press their buttons.'],
  'media-missing': ['No microphone and no camera found',
    'So this is a conversation in writing: type below, and you will hear and read the answers.'],
  'service-full': ['All easels are taken', (p) => `There is no place at the moment.${quoted(p.detail)} ${soon(p)}`, Action.RETRY],
  'too-many': ['Too many attempts', (p) => `The service asks for a little patience. ${soon(p)}`, Action.RETRY],
  'room-unknown': ['This room is gone',
    'It has ended, or the link is incomplete.', Action.NEW_ROOM],
  'not-allowed': ['This room is closed to you',
    'The link lacks the right key, or the key has expired. Ask for a new link.', Action.NEW_ROOM],
  'bad-settings': ['The service did not accept these settings', (p) => quoted(p.detail).trim()],
  'bad-room': ['The settings in the address cannot be read',
    'What follows “room=” must be a JSON object. Without it the room opens with the usual settings.'],
  'service-error': ['Something broke at the service',
    (p) => `It is not your fault.${quoted(p.detail)}`, Action.RETRY],
  unreachable: ['The service cannot be reached',
    'Check your connection. Nothing that you said is lost.', Action.RETRY],
  'connection-lost': ['The connection was lost',
    'It could not be restored within a minute. Your room may still be there.', Action.RECONNECT],
  replaced: ['You talk elsewhere now',
    'This conversation was opened in another window, which took this place.', Action.HERE],
  'no-connection': ['No connection could be made',
    'The service answered, but sound and picture found no way through. A firewall or VPN may be in between.', Action.RETRY],
  'no-answer': ['Easel does not answer',
    'You are connected to the service, but it cannot reach Gemini at the moment.', Action.RECONNECT],
  'ended-by-service': ['The conversation has ended', 'The service closed the room.', Action.NEW_ROOM],
  'budget-warning': ['Time to come to an end', (p) => p.detail],
  'budget-spent': ['That was all for this conversation', (p) => p.detail, Action.NEW_ROOM],
  'model-error': ['Easel reports a problem', (p) => p.detail],
  'model-fatal': ['The conversation had to end', (p) => p.detail || 'Easel met a problem it cannot mend.', Action.NEW_ROOM],
  'upload-kind': ['This is not a picture Easel can take', 'JPEG, PNG and WEBP work.'],
  'upload-broken': ['This picture is broken', (p) => `“${p.detail}” cannot be read, so it was taken out again.`],
  'upload-many': ['Too many pictures at once', (p) => `At most ${p.detail} go into one message.`],
  'upload-refused': ['The picture was not taken', (p) => quoted(p.detail).trim() || 'It may be too large.'],
  'text-long': ['That is too long', (p) => `A message may have about ${p.detail.toLocaleString('en')} characters.`],
  'not-connected': ['Not sent', 'There is no connection at the moment. Your words are still in the box.'],
  'image-unloadable': ['The picture could not be loaded',
    'It exists, but did not arrive. Select it below to try again.'],
};

/** {title, text, action} for a Problem. */
export function wordsFor(problem) {
  const [title, sentence, action = null] = WORDS[problem.code];
  return { title, text: typeof sentence === 'function' ? sentence(problem) : sentence, action };
}

export const CODES = Object.freeze(Object.keys(WORDS));

/** The `detail` of an error body as one line: a string, or a list of {loc, msg}. */
export function detailIn(body) {
  const detail = body?.detail ?? body?.info;
  if (typeof detail === 'string') return detail.slice(0, 400);
  if (!Array.isArray(detail)) return '';
  const lines = detail.map((one) => {
    const where = Array.isArray(one?.loc) ? one.loc.join('.') : '';
    return [where, one?.msg].filter(Boolean).join(': ');
  });
  return lines.filter(Boolean).join('; ').slice(0, 400);
}

/** Seconds in a Retry-After header (a number or an HTTP date), or null. */
export function retryAfterS(header, nowMs) {
  if (!header) return null;
  if (/^\s*\d+\s*$/.test(header)) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, Math.ceil((at - nowMs) / 1000));
}

const CODE_OF_STATUS = {
  400: 'bad-settings', 401: 'not-allowed', 403: 'not-allowed', 404: 'room-unknown',
  410: 'room-unknown', 422: 'bad-settings', 429: 'too-many', 503: 'service-full',
};

/** The Problem behind an HTTP error. 4xx except 429 is final; everything else may be tried again. */
export function problemOfResponse(status, body, retryAfter, nowMs) {
  return new Problem(CODE_OF_STATUS[status] ?? 'service-error', {
    detail: detailIn(body),
    final: status >= 400 && status < 500 && status !== 429,
    retryAfterS: retryAfterS(retryAfter, nowMs),
  });
}

const KIND_OF_ERROR = {
  NotAllowedError: 'denied', SecurityError: 'denied', NotFoundError: 'missing',
  OverconstrainedError: 'missing', NotReadableError: 'busy', AbortError: 'busy',
};

/** The Problem behind a getUserMedia error for 'mic' or 'camera'. */
export function problemOfMedia(device, errorName) {
  return new Problem(`${device}-${KIND_OF_ERROR[errorName] ?? 'busy'}`);
}

/** One Problem for both devices when both failed alike, else the list as it is. */
export function mergedMedia(problems) {
  const codes = problems.map((problem) => problem.code).sort().join();
  if (codes === 'camera-denied,mic-denied') return [new Problem('media-denied')];
  if (codes === 'camera-missing,mic-missing') return [new Problem('media-missing')];
  return problems;
}
