/**
 * Which of this browser's tabs is a peer. A duplicated tab has a copy of the first one's session
 * storage, and would take its place in the room.
 *
 * A Web Lock is held as long as the document lives; a tab that holds one is not frozen. Insecure
 * pages have none: there the tabs ask each other.
 */

const NAME = 'easel-peer-';
/** The document before a reload lets go of its lock when it is destroyed, which may be after this. */
const LOCK_LIMIT_MS = 1_500;
const ANSWER_LIMIT_MS = 400;

/** Event: 'stolen' (another tab is that peer now). */
export class Claim extends EventTarget {
  #locks = navigator.locks;
  #peer = null;
  #free = null;
  #channel = null;

  constructor() {
    super();
    if (!this.#locks) this.#answerOthers();
  }

  /** True when this tab is that peer now; `steal` takes it from another tab. */
  async take(peer, { steal = false } = {}) {
    if (peer === this.#peer) return true;
    this.release();
    const taken = await (this.#locks ? this.#lock(peer, steal) : this.#agree(peer, steal));
    if (taken) this.#peer = peer;
    return taken;
  }

  release() {
    this.#free?.();
    this.#free = null;
    this.#peer = null;
  }

  #lock(peer, steal) {
    const options = steal ? { steal: true } : { signal: AbortSignal.timeout(LOCK_LIMIT_MS) };
    return new Promise((settle) => {
      const hold = () => {
        const { promise, resolve } = Promise.withResolvers();
        this.#free = resolve;
        settle(true);
        return promise;
      };
      this.#locks.request(NAME + peer, options, hold).catch(() => {
        // After the time limit, or when another tab stole it.
        settle(false);
        if (this.#peer === peer) this.#lose();
      });
    });
  }

  #lose() {
    this.release();
    this.dispatchEvent(new Event('stolen'));
  }

  #answerOthers() {
    this.#channel = new BroadcastChannel('easel-peers');
    this.#channel.addEventListener('message', ({ data }) => {
      if (!data?.peer || data.peer !== this.#peer) return;
      if (data.says === 'mine') this.#lose();
      else if (data.says === 'whose') this.#channel.postMessage({ says: 'taken', peer: data.peer });
    });
  }

  async #agree(peer, steal) {
    if (!steal) return !(await this.#isTaken(peer));
    this.#channel.postMessage({ says: 'mine', peer });
    return true;
  }

  #isTaken(peer) {
    const { promise, resolve } = Promise.withResolvers();
    const hear = ({ data }) => { if (data?.says === 'taken' && data.peer === peer) resolve(true); };
    this.#channel.addEventListener('message', hear);
    setTimeout(() => resolve(false), ANSWER_LIMIT_MS);
    this.#channel.postMessage({ says: 'whose', peer });
    return promise.finally(() => this.#channel.removeEventListener('message', hear));
  }
}
