/**
 * What the page knows of the room, and how each message changes it. Pure: `reduce(view, event)`
 * returns a new view, or the same object when nothing changed.
 *
 * Events: {kind: 'rtvi', type, data} as `decodeUntrusted` gives them, {kind: 'typed', id, text,
 * pictures}, {kind: 'show', imageId}, {kind: 'past', said, own} (what was said before this page came,
 * and the peer ids that this person had then), {kind: 'quiet'} (the connection went away: nobody speaks),
 * {kind: 'enter', same} (a new connection to a room: `same` as before, or another one).
 */

import * as images from './image_history.js';
import * as transcript from './transcript.js';

export const EMPTY = Object.freeze({
  ready: false,
  version: null,
  selfId: null,
  partner: null,
  link: Object.freeze({ status: 'ready', sentence: '' }),
  speaking: Object.freeze({ user: false, model: false }),
  transcript: transcript.EMPTY,
  images: images.EMPTY,
  firstAnswerMs: null,
});

const SPEAKING = {
  'user-started-speaking': ['user', true],
  'user-stopped-speaking': ['user', false],
  'bot-started-speaking': ['model', true],
  'bot-stopped-speaking': ['model', false],
};

const text = (value) => (typeof value === 'string' ? value : null);

function spoke(view, [who, is]) {
  if (view.speaking[who] === is) return view;
  const speaking = { ...view.speaking, [who]: is };
  const ended = who === 'model' && !is;
  const said = ended ? transcript.modelFellSilent(view.transcript) : view.transcript;
  return { ...view, speaking, transcript: said };
}

function changed(view, key, value) {
  return view[key] === value ? view : { ...view, [key]: value };
}

function serverMessage(view, data) {
  if (data.type === 'transcript') {
    const heard = transcript.heardFromServer(view.transcript, data, view.selfId);
    return changed(view, 'transcript', heard);
  }
  if (data.type === 'link-status') return { ...view, link: linkIn(data) };
  if (!images.isImageEvent(data)) return view;
  const next = changed(view, 'images', images.withEvent(view.images, data));
  if (data.event === 'selected') return next;
  return changed(next, 'transcript', transcript.imageBegun(next.transcript, data.image_id, data.turn));
}

/** The service's own connection to Gemini: 'connecting', 'ready', 'reconnecting' or 'failed'. */
function linkIn({ status, sentence }) {
  return { status: text(status) ?? 'ready', sentence: text(sentence) ?? '' };
}

function firstAnswerMs(data) {
  const seconds = Array.isArray(data.ttfb) ? data.ttfb.at(-1)?.value : undefined;
  return Number.isFinite(seconds) ? Math.round(seconds * 1000) : null;
}

function rtvi(view, { type, data }) {
  if (Object.hasOwn(SPEAKING, type)) return spoke(view, SPEAKING[type]);
  switch (type) {
    case 'bot-ready':
      return { ...view, ready: true, version: text(data.version), selfId: text(data.about?.peer), partner: text(data.about?.gemini) };
    case 'server-message':
      return serverMessage(view, data);
    case 'metrics':
      return changed(view, 'firstAnswerMs', firstAnswerMs(data) ?? view.firstAnswerMs);
    default:
      return changed(view, 'transcript', transcript.heardStandard(view.transcript, type, data));
  }
}

export function reduce(view, event) {
  switch (event.kind) {
    case 'rtvi':
      return rtvi(view, event);
    case 'typed':
      return { ...view, transcript: transcript.typed(view.transcript, event) };
    case 'past':
      return changed(view, 'transcript', transcript.past(view.transcript, event.said, event.own));
    case 'show':
      return changed(view, 'images', images.shown(view.images, event.imageId));
    case 'quiet':
      return changed(view, 'speaking', EMPTY.speaking);
    case 'enter':
      return event.same ? { ...view, ready: false, images: images.renumbered(view.images) } : EMPTY;
    default:
      throw new RangeError(`unknown event ${event.kind}`);
  }
}

/** The sequence number to acknowledge for this message, or null. */
export function toAcknowledge({ type, data }) {
  const isEvent = type === 'server-message' && data.type === 'image-event';
  return isEvent && Number.isInteger(data.seq) ? data.seq : null;
}

/** {words, fatal} for a message that reports an error, or null. */
export function errorIn({ type, data }) {
  if (type !== 'error' && type !== 'error-response') return null;
  const words = typeof data.error === 'string' ? data.error : '';
  return { words, fatal: type === 'error' && data.fatal === true };
}
