/**
 * What the page knows of the room, and how each message changes it. Pure: `reduce(view, event)`
 * returns a new view, or the same object when nothing changed.
 *
 * Events: {kind: 'rtvi', type, data} as `decodeUntrusted` gives them, {kind: 'typed', id, text,
 * pictures}, {kind: 'show', imageId}, {kind: 'past', said, own} (what was said while this page was not
 * there, and the peer ids that this person had then), {kind: 'quiet'} (the connection went away: nobody
 * speaks), {kind: 'enter', same} (a new connection to a room: `same` as before, or another one),
 * {kind: 'asked', id, wanted} (other settings), {kind: 'unanswered', id}, {kind: 'settings', settings} and
 * {kind: 'pictures', room} (as the service tells them), {kind: 'faded', count} (the news of lost sound was
 * read).
 */

import * as images from './image_history.js';
import { past } from './past.js';
import { markFrom } from './region.js';
import * as wish from './settings_wish.js';
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
  mark: null,
  firstAnswerMs: null,
  lost: Object.freeze({ seconds: 0, count: 0, isNews: false }),
  budget: Object.freeze({ state: 'within', sentence: '' }),
  wish: wish.EMPTY,
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
  if (data.type === 'audio-dropped') return dropped(view, data.seconds);
  if (data.type === 'budget') return { ...view, budget: budgetIn(data) };
  if (data.type === 'image-region') return changed(view, 'mark', markFrom(data));
  if (!images.isImageEvent(data)) return view;
  const next = changed(view, 'images', images.withEvent(view.images, data));
  if (images.find(next.images, data.image_id) === undefined) {
    if (data.event !== 'deleted') return next;
    return changed(next, 'transcript', transcript.imageGone(next.transcript, data.image_id));
  }
  return changed(next, 'transcript', transcript.imageBegun(next.transcript, data.image_id, data.turn));
}

/** The service's own connection to Gemini: 'connecting', 'ready', 'reconnecting' or 'failed'. */
function linkIn({ status, sentence }) {
  return { status: text(status) ?? 'ready', sentence: text(sentence) ?? '' };
}

/** The words for sound of this room that never reached the model. */
export function wordsOfLoss(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  return whole === 1 ? 'The last second could not be kept' : `The last ${whole} seconds could not be kept`;
}

function dropped(view, seconds) {
  if (!Number.isFinite(seconds) || seconds <= 0) return view;
  const count = view.lost.count + 1;
  const said = transcript.noted(view.transcript, count, wordsOfLoss(seconds));
  return { ...view, lost: { seconds, count, isNews: true }, transcript: said };
}

/** `state` is 'within', 'warning' or 'spent'. */
function budgetIn({ state, sentence }) {
  return { state: text(state) ?? 'within', sentence: text(sentence) ?? '' };
}

function quiet(view) {
  const silent = changed(view, 'speaking', EMPTY.speaking);
  const adrift = changed(silent, 'transcript', transcript.castAdrift(silent.transcript));
  return changed(adrift, 'wish', wish.unanswered(adrift.wish, adrift.wish.id));
}

function firstAnswerMs(data) {
  const seconds = Array.isArray(data.ttfb) ? data.ttfb.at(-1)?.value : undefined;
  return Number.isFinite(seconds) ? Math.round(seconds * 1000) : null;
}

function rtvi(view, { type, id, data }) {
  if (Object.hasOwn(SPEAKING, type)) return spoke(view, SPEAKING[type]);
  switch (type) {
    case 'bot-ready':
      return { ...view, ready: true, version: text(data.version), selfId: text(data.about?.peer), partner: text(data.about?.gemini) };
    case 'server-message':
      return serverMessage(view, data);
    case 'server-response':
    case 'error-response':
      return changed(view, 'wish', wish.answered(view.wish, { type, id, data }));
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
      return changed(view, 'transcript', past(view.transcript, event.said, event.own));
    case 'show':
      return changed(view, 'images', images.shown(view.images, event.imageId));
    case 'quiet':
      return quiet(view);
    case 'asked':
      return { ...view, wish: wish.asked(view.wish, event.id, event.wanted) };
    case 'unanswered':
      return changed(view, 'wish', wish.unanswered(view.wish, event.id));
    case 'settings':
      return changed(view, 'wish', wish.told(view.wish, event.settings));
    case 'pictures':
      return changed(view, 'images', images.readdressed(view.images, event.room));
    case 'faded':
      return event.count === view.lost.count ? { ...view, lost: { ...view.lost, isNews: false } } : view;
    case 'enter':
      return event.same ? { ...view, ready: false, mark: null, images: images.renumbered(view.images) } : EMPTY;
    default:
      throw new RangeError(`unknown event ${event.kind}`);
  }
}

/** The sequence number to acknowledge for this message, or null. */
export function toAcknowledge({ type, data }) {
  const isEvent = type === 'server-message' && data.type === 'image-event';
  return isEvent && Number.isInteger(data.seq) ? data.seq : null;
}

/** Whether this page's place in the room was taken by another connection. */
export function saysReplaced({ type, data }) {
  return type === 'server-message' && data.type === 'replaced';
}

/** Whether the message answers what this page asked for last. */
export function isAnswer(view, { type, id }) {
  return type.endsWith('-response') && wish.isAnswerTo(view.wish, id);
}

/** {words, fatal} for a message that reports an error, or null. */
export function errorIn({ type, data }) {
  if (type !== 'error' && type !== 'error-response') return null;
  const words = typeof data.error === 'string' ? data.error : '';
  return { words, fatal: type === 'error' && data.fatal === true };
}
