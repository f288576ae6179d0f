/** The two quiet lines that say what is going on: the call's, and the voices'. */

import { State } from './connection_state.js';
import { setData, write } from './elements.js';

const CALL = {
  [State.IDLE]: 'Not joined yet',
  [State.CONNECTING]: 'Joining …',
  [State.CONNECTED]: 'In the room',
  [State.RECONNECTING]: 'Connection lost, restoring\u00a0…',
  [State.CLOSED]: 'The call has ended',
  [State.FAILED]: 'Not connected',
};

export class StatusLine {
  #root;
  #words;

  constructor(root, words) {
    this.#root = root;
    this.#words = words;
  }

  /** `link` is the service's own connection to Gemini, or to its `partner` the emulator. */
  render(state, asking, link, partner) {
    setData(this.#root, 'state', state);
    const pause = state === State.CONNECTED && link.status !== 'ready';
    const stand = partner === 'emulator' && state === State.CONNECTED ? ', with the emulator' : '';
    const words = pause ? link.sentence || 'Easel is gathering its thoughts …' : CALL[state] + stand;
    write(this.#words, asking ? 'Waiting for your permission …' : words);
  }
}

const WITHOUT_VOICE = {
  on: 'Easel is listening', off: 'You are muted', asking: 'Waiting for your permission',
};

const SPEAKING = { true: 'You are speaking', false: 'Somebody is speaking' };

export class VoiceLine {
  #line;
  #ledge;

  constructor(line, ledge) {
    this.#line = line;
    this.#ledge = ledge;
  }

  render({ user, model }, connected, mic) {
    const who = model ? 'model' : user ? 'user' : 'nobody';
    const words = model ? 'Easel is speaking' : user ? SPEAKING[mic === 'on'] : WITHOUT_VOICE[mic] ?? 'Write to Easel';
    setData(this.#line, 'who', who);
    setData(this.#ledge, 'speaking', model);
    write(this.#line, connected ? words : '');
  }
}
