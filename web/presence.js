/**
 * Whether this page is there at all: loaded, laid aside by the browser (so that "back" finds it
 * again), frozen in the background, without a network.
 */

/** Events: 'sleep' (the page is going, perhaps for good), 'wake' (a good moment to look whether the
 *  connection lives, or to try again). */
export class Presence extends EventTarget {
  #awake = Promise.resolve();
  #wake = null;

  constructor() {
    super();
    window.addEventListener('pagehide', () => this.#sleep());
    window.addEventListener('pageshow', ({ persisted }) => { if (persisted) this.#rise(); });
    document.addEventListener('resume', () => this.#rise());
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.#rise(); });
    for (const name of ['online', 'offline']) {
      window.addEventListener(name, () => this.dispatchEvent(new Event('wake')));
    }
  }

  /** Settles at once, or when a page that was laid aside is shown again. */
  get awake() { return this.#awake; }

  #sleep() {
    if (this.#wake === null) {
      const { promise, resolve } = Promise.withResolvers();
      this.#awake = promise;
      this.#wake = resolve;
    }
    this.dispatchEvent(new Event('sleep'));
  }

  #rise() {
    this.#wake?.();
    this.#wake = null;
    this.dispatchEvent(new Event('wake'));
  }
}
