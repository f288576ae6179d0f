/**
 * The words on the data channel: RTVI 2.x envelopes, signalling envelopes and the ping. Pure.
 *
 * Builders return plain objects; the caller turns them into text. `decodeUntrusted` is the only
 * door for what arrives.
 */

export const LABEL = 'rtvi-ai';
export const PROTOCOL_VERSION = '2.0.0';
export const LIBRARY = Object.freeze({ library: 'easel-web', library_version: '0.1.0' });
export const RECEIVER = Object.freeze({ AUDIO: 0, VIDEO: 1 });

const NOW = Object.freeze({ run_immediately: true, audio_response: true });
const LATER = Object.freeze({ run_immediately: false, audio_response: true });

function envelope(id, type, data) {
  return { label: LABEL, type, id, data };
}

export const clientReady = (id) =>
  envelope(id, 'client-ready', { version: PROTOCOL_VERSION, about: LIBRARY });

export const disconnectBot = (id) => envelope(id, 'disconnect-bot', {});

export const sendText = (id, content) => envelope(id, 'send-text', { content, options: NOW });

/** `file` is what the upload returned; `last` says that the model should answer now. */
export const sendFile = (id, content, file, last) =>
  envelope(id, 'send-file', {
    content,
    file: { format: file.format, name: file.name, source: file.source },
    options: last ? NOW : LATER,
  });

export const imageAck = (id, seq) => envelope(id, 'client-message', { t: 'image-ack', d: { seq } });

/** What people do with images by hand; `kind` is one of the service's, such as "image-select". */
export const imageCommand = (id, kind, data) => envelope(id, 'client-message', { t: kind, d: data });

export const updateSettings = (id, settings) =>
  envelope(id, 'client-message', { t: 'update-settings', d: settings });

export const trackStatus = (receiverIndex, enabled) => ({
  type: 'signalling',
  message: { type: 'trackStatus', receiver_index: receiverIndex, enabled },
});

export const ping = (nowMs) => `ping: ${Math.round(nowMs)}`;

function parsed(raw) {
  try {
    return JSON.parse(typeof raw === 'string' ? raw : new TextDecoder().decode(raw));
  } catch {
    return null;
  }
}

const isObject = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * One data channel message (text or bytes) as `{kind: 'rtvi', type, id, data}`,
 * `{kind: 'signalling', type}`, or null for anything else. Never throws.
 */
export function decodeUntrusted(raw) {
  const message = parsed(raw);
  if (!isObject(message) || typeof message.type !== 'string') return null;
  if (message.type === 'signalling') {
    const inner = message.message;
    const named = isObject(inner) && typeof inner.type === 'string';
    return named ? { kind: 'signalling', type: inner.type } : null;
  }
  if (message.label !== LABEL) return null;
  return {
    kind: 'rtvi',
    type: message.type,
    id: typeof message.id === 'string' ? message.id : null,
    data: isObject(message.data) ? message.data : {},
  };
}
