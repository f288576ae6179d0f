/** Before and after, laid over each other and parted by a slider. */

import { byId, setData, write } from './elements.js';

const MIDDLE = 50;

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
    this.#slider.addEventListener('keydown', (event) => event.key === 'Escape' && this.#leave());
  }

  get on() { return this.#on; }

  /** `before` is {url, words}, or null where there is nothing to compare with. */
  render(before) {
    this.#button.disabled = before === null;
    if (before?.url === this.#before?.url) return;
    this.#before = before;
    this.#set(this.#on && before !== null);
  }

  close() { this.#set(false); }

  #leave() {
    this.#set(false);
    this.#button.focus();
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
    this.#image.src = this.#address(this.#before.url);
    write(this.#words, this.#before.words);
    if (opens) this.#slider.value = MIDDLE;
    this.#cut();
    if (opens) this.#slider.focus({ preventScroll: true });
  }

  #cut() { this.#frame.style.setProperty('--cut', `${this.#slider.value}%`); }
}
