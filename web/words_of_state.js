/** The quiet lines that say what is going on: the call's, the link's to Gemini, and the voices'. */

import { State } from './connection_state.js';
import { setData, write } from './elements.js';

const CALL = {
  [State.IDLE]: 'Not joined yet',
  [State.CONNECTING]: 'Joining …',
  [State.CONNECTED]: 'In the room',
  [State.RECONNECTING]: 'Coming back …',
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

  /** `partner` is whom the service talks to; `returning` when the page was here a moment ago. */
  render(state, { asking, returning, partner }) {
    setData(this.#root, 'state', state);
    const stand = partner === 'emulator' && state === State.CONNECTED ? ', with the emulator' : '';
    const words = returning && state === State.CONNECTING ? 'Coming back …' : CALL[state] + stand;
    write(this.#words, asking ? 'Waiting for your permission …' : words);
  }
}

export class LinkLine {
  #line;
  #words;

  constructor(line, words) {
    this.#line = line;
    this.#words = words;
  }

  /** `said` as `stateLine` gives it. The words stay while the line fades. */
  render({ tone, words }) {
    setData(this.#line, 'tone', tone);
    if (tone !== 'none') write(this.#words, words);
    this.#line.ariaHidden = String(tone === 'none');
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
