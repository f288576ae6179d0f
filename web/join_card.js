/** The card before joining: what it says depends on how this person came here. */

import { byId, write } from './elements.js';

/** why → [title, words, what the main button says, whether a new room is offered]. */
const TEXT = {
  fresh: ['Step up to the easel', 'Talk, show your camera, and watch the picture change while you speak.', 'Join', false],
  invited: ['You are expected', 'Somebody shared an easel with you: one conversation, one picture, everyone in it.', 'Join the room', true],
  elsewhere: ['You talk in another tab', 'This conversation is open there. You may join it here as well, as one more guest, or begin another.', 'Join here too', true],
  remembered: ['Welcome back', 'Your room is kept for a while. Carry on where you were.', 'Rejoin', true],
  left: ['You stepped back', 'The room and its pictures are kept for a while.', 'Rejoin', true],
};

export class JoinCard {
  #join = byId('join');
  #joinNew = byId('join-new');

  constructor({ onJoin, onJoinText, onJoinNew }) {
    this.#join.addEventListener('click', onJoin);
    byId('join-text').addEventListener('click', onJoinText);
    this.#joinNew.addEventListener('click', onJoinNew);
  }

  /** `why` is a key of TEXT. */
  say(why) {
    const [title, words, button, offersNew] = TEXT[why];
    write(byId('join-title'), title);
    write(byId('join-words'), words);
    write(this.#join, button);
    this.#joinNew.hidden = !offersNew;
  }

  /** While the browser asks for permission only the way in without devices stays open. */
  set asking(value) {
    this.#join.disabled = value;
    this.#joinNew.disabled = value;
  }

  focus() { this.#join.focus({ preventScroll: true }); }
}
