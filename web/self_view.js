/**
 * This person's own camera: on the easel while that is empty, else small at the end of the shelf,
 * where a click puts it on the easel again (to show something, with the picture out of the way).
 */

import { byId, setData } from './elements.js';

export class SelfView {
  #frame = byId('selfview-frame');
  #video = byId('selfview');
  #swap = byId('selfview-swap');
  #track = null;
  #hasPicture = false;
  #swapped = false;
  #onLend;
  #onSwap;
  #large = false;

  /** `onLend(ratio)`: the camera takes the easel, in this shape; null gives it back. `onSwap()`: somebody put the
   * camera on the easel, or took it off. */
  constructor(onLend, onSwap) {
    this.#onLend = onLend;
    this.#onSwap = onSwap;
    this.#swap.addEventListener('click', () => {
      this.#swapped = !this.#swapped;
      this.#lay();
      this.#onSwap();
    });
    this.#video.addEventListener('resize', () => this.#lay());
  }

  /** The camera stands on the easel. */
  get isLarge() { return this.#large; }

  /** `hasPicture`: something other than the camera wants the easel. */
  render(track, mirrored, hasPicture) {
    if (track !== this.#track) {
      this.#track = track;
      this.#video.srcObject = track ? new MediaStream([track]) : null;
      // A muted video that was asked to play while hidden may wait; the next frame wakes it.
      if (track) this.#video.play().catch(() => {});
    }
    if (hasPicture !== this.#hasPicture) this.#swapped = false;
    this.#hasPicture = hasPicture;
    setData(this.#frame, 'mirrored', mirrored);
    this.#frame.hidden = track === null;
    this.#lay();
  }

  #lay() {
    const large = !this.#hasPicture || this.#swapped;
    this.#large = large && this.#track !== null;
    this.#moveTo(byId(large ? 'wall' : 'shelf'));
    setData(this.#frame, 'size', large ? 'large' : 'small');
    this.#frame.style.setProperty('--own-ratio', String(this.#ratio()));
    this.#onLend(large && this.#track ? this.#ratio() : null);
    this.#swap.hidden = !this.#hasPicture;
    this.#swap.ariaLabel = large ? 'Put the picture on the easel' : 'Put your camera on the easel';
  }

  #moveTo(home) {
    if (this.#frame.parentElement === home) return;
    const hadFocus = this.#frame.contains(document.activeElement);
    home.append(this.#frame);
    // A video that moves in the document pauses.
    this.#video.play().catch(() => {});
    if (hadFocus) this.#swap.focus();
  }

  #ratio() {
    const { videoWidth, videoHeight } = this.#video;
    return videoHeight > 0 ? videoWidth / videoHeight : 16 / 9;
  }
}
