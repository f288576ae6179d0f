/** Loudness on the screen: the microphone's level bar, and Easel's voice along the ledge. */

import { Meter } from './sound.js';

/** Meters fall slowly, so that the eye can follow. */
const FALL_PER_FRAME = 0.06;

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

  draw() {
    const level = this.#meter?.read() ?? 0;
    const value = Math.max(level, this.#value - FALL_PER_FRAME);
    if (Math.abs(value - this.#value) < 0.005) return;
    this.#value = value;
    this.#element.style.setProperty(this.#property, value.toFixed(3));
    if (this.#element.hasAttribute('aria-valuenow')) {
      this.#element.setAttribute('aria-valuenow', String(Math.round(value * 100)));
    }
  }
}

export function runMeters(views) {
  const step = () => {
    for (const view of views) view.draw();
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}
