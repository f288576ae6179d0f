/** Before and after, laid over each other and parted by a slider. */

import { isSamePicture } from './addresses.js';
import { byId, setData, write } from './elements.js';
import { isLarge } from './image_history.js';

const MIDDLE = 50;
/** By which two shapes may differ and still be laid over each other; models give no exact ones. */
const SAME_SHAPE = 0.05;

const ratioOf = (image) => (image?.width && image?.height ? image.width / image.height : null);

function areAlike(one, other) {
  const [a, b] = [ratioOf(one), ratioOf(other)];
  return a === null || b === null || Math.abs(a / b - 1) < SAME_SHAPE;
}

export class Compare {
  #canvas = byId('canvas');
  #frame = byId('compare-frame');
  #image = byId('compare-before');
  #slider = byId('compare-slider');
  #button = byId('compare');
  #words = byId('compare-words');
  #address;
  #on = false;
  #before = null;

  constructor(address) {
    this.#address = address;
    this.#button.addEventListener('click', () => this.#set(!this.#on));
    this.#slider.addEventListener('input', () => this.#cut());
    document.addEventListener('keydown', (event) => event.key === 'Escape' && this.#on && this.#leave());
  }

  get on() { return this.#on; }

  /** `before` as image_history.js gives it, or null where there is nothing to compare `now` with. */
  render(before, now) {
    this.#button.disabled = before === null;
    if (isSamePicture(before?.url, this.#before?.url)) return;
    this.#before = before;
    setData(this.#frame, 'fit', areAlike(before, now) ? 'fill' : 'contain');
    this.#set(this.#on && before !== null);
  }

  close() { this.#set(false); }

  #leave() {
    const hadFocus = document.activeElement === this.#slider;
    this.#set(false);
    if (hadFocus) this.#button.focus();
  }

  #set(on) {
    const opens = on && !this.#on;
    this.#on = on;
    this.#button.setAttribute('aria-pressed', String(on));
    this.#frame.hidden = !on;
    setData(this.#canvas, 'compares', on);
    if (!on || this.#before === null) {
      this.#image.removeAttribute('src');
      return;
    }
    this.#image.src = `${this.#address(this.#before.url)}${isLarge(this.#before) ? '&size=screen' : ''}`;
    write(this.#words, this.#before.words);
    if (opens) {
      this.#slider.value = MIDDLE;
      this.#slider.focus({ preventScroll: true });
    }
    this.#cut();
  }

  #cut() { this.#frame.style.setProperty('--cut', `${this.#slider.value}%`); }
}
