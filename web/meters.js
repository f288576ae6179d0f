/** Loudness on the screen: the microphone's level bar, and Easel's voice along the ledge. */

import { Meter } from './sound.js';

/** Meters fall slowly, so that the eye can follow. */
const FALL_PER_FRAME = 0.06;
/** While nothing is to be heard the page draws no frames for it. */
const LISTEN_MS = 50;

export class LevelView {
  #element;
  #property;
  #meter = null;
  #track = null;
  #value = 0;

  constructor(element, property) {
    this.#element = element;
    this.#property = property;
  }

  /** Follows another track, or none. */
  follow(track) {
    if (track === this.#track) return;
    this.#meter?.close();
    this.#track = track;
    this.#meter = track ? new Meter(track) : null;
  }

  /** True while something moves. */
  draw() {
    const level = this.#meter?.read() ?? 0;
    const value = Math.max(level, this.#value - FALL_PER_FRAME);
    const moves = value > 0.005;
    if (Math.abs(value - this.#value) < 0.005) return moves;
    this.#value = value;
    this.#element.style.setProperty(this.#property, value.toFixed(3));
    if (this.#element.hasAttribute('aria-valuenow')) {
      this.#element.setAttribute('aria-valuenow', String(Math.round(value * 100)));
    }
    return moves;
  }
}

export function runMeters(views) {
  const step = () => {
    const moves = views.map((view) => view.draw());
    if (moves.includes(true)) requestAnimationFrame(step);
    else setTimeout(step, LISTEN_MS);
  };
  requestAnimationFrame(step);
}
