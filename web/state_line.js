/**
 * The sentences that say how the conversation stands, when there is something to say. Pure.
 */

import { State } from './connection_state.js';
import { wordsOfLoss } from './protocol.js';

const NOTHING = Object.freeze({ tone: 'none', words: '' });

/** What the link to Gemini says when the service adds no sentence of its own. */
const LINK = {
  connecting: 'Easel is being woken …',
  reconnecting: 'Gemini’s connection is being renewed; go on speaking, nothing is lost.',
  failed: 'Gemini cannot be reached.',
};

const OFFLINE = 'You are offline. Your place is kept for a minute; Easel comes back by itself.';
const RETURNING = 'Easel is coming back; your place is kept.';

/**
 * {tone: 'none'|'busy'|'note', words}. `link` and `lost` as the view has them; `offline` when the
 * browser has no network that the service would need.
 */
export function stateLine({ state, offline, link, lost }) {
  if (state === State.RECONNECTING) return { tone: 'busy', words: offline ? OFFLINE : RETURNING };
  if (state !== State.CONNECTED && state !== State.CONNECTING) return NOTHING;
  if (link.status !== 'ready') {
    return { tone: 'busy', words: link.sentence || LINK[link.status] || LINK.reconnecting };
  }
  return lost.isNews ? { tone: 'note', words: `${wordsOfLoss(lost.seconds)}.` } : NOTHING;
}

/** What a tap is needed for: the sound, the devices that were on before the page was loaded anew. */
export function wordsOfTap({ sound, devices }) {
  const on = devices.map((device) => ({ mic: 'your microphone', camera: 'your camera' })[device]).join(' and ');
  if (on === '') return 'The browser lets Easel be heard after a tap.';
  return sound ? `Hear Easel again, and turn ${on} on.` : `Turn ${on} on again.`;
}
