/** Addresses of pictures serve for a day, and a page may stay open for longer: keeps them fresh. */

const FRESH_MS = 6 * 3_600_000;
const CHECK_MS = 600_000;
/** Addresses that are as new as this are not what is wrong. */
const NEW_MS = 5_000;

export class Renewal {
  #look;
  #onTold;
  #at = Date.now();

  /** `look()` gives the room as the service tells it, or null; `onTold(room)` takes it. */
  constructor({ look, onTold }) {
    this.#look = look;
    this.#onTold = onTold;
    setInterval(() => { if (Date.now() - this.#at > FRESH_MS) this.renew(); }, CHECK_MS);
  }

  /** The addresses came by another way. */
  done() { this.#at = Date.now(); }

  /** After one that did not serve. Never raises; `onTold` is called when there are newer ones. */
  async renew() {
    if (Date.now() - this.#at < NEW_MS) return;
    const room = await this.#look();
    if (room === null) return;
    this.done();
    this.#onTold(room);
  }
}
