/** What stands on the easel before the first picture. */

import { byId, write } from './elements.js';

const LOBBY = ['Your picture will stand here', 'The browser will ask for your microphone and camera. You can also join without them.'];
const ROOM = ['A blank canvas', 'Say what you would like to see, or show it to the camera.'];

export class BlankCanvas {
  #check = byId('check');

  /** `onCheck()` opens microphone and camera. */
  constructor(onCheck) {
    this.#check.addEventListener('click', onCheck);
  }

  render(inRoom, canCheck) {
    const [title, words] = inRoom ? ROOM : LOBBY;
    write(byId('blank-title'), title);
    write(byId('blank-words'), words);
    this.#check.hidden = inRoom || !canCheck;
  }
}
