/**
 * Sound in and out: one AudioContext for the level meters (AnalyserNode, no worklet), and the
 * audio element that plays Easel's voice under the browser's autoplay rules.
 */

const QUIET_DB = -60;
const LOUD_DB = -12;

let shared = null;

function context() {
  shared ??= new AudioContext({ latencyHint: 'interactive' });
  return shared;
}

/** Call from a click: browsers start sound only then. */
export function wake() {
  const running = context();
  if (running.state === 'suspended') running.resume().catch(() => {});
}

/** Loudness of one track, 0 (silence) to 1. */
export class Meter {
  #source;
  #analyser;
  #samples;

  constructor(track) {
    this.#analyser = context().createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source = context().createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
  }

  read() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let power = 0;
    for (const sample of this.#samples) power += sample * sample;
    const db = 10 * Math.log10(power / this.#samples.length + 1e-12);
    return Math.min(1, Math.max(0, (db - QUIET_DB) / (LOUD_DB - QUIET_DB)));
  }

  close() {
    this.#source.disconnect();
  }
}

/** Plays one remote track at a time. `onBlocked(blocked)` tells when a tap is needed. */
export class Playback {
  #element;
  #onBlocked;
  #blocked = false;

  constructor(element, onBlocked) {
    this.#element = element;
    this.#onBlocked = onBlocked;
  }

  get blocked() { return this.#blocked; }

  async play(track) {
    this.#element.srcObject = new MediaStream([track]);
    await this.retry();
  }

  async retry() {
    try {
      await this.#element.play();
      this.#tell(false);
    } catch (error) {
      if (error.name === 'NotAllowedError') this.#tell(true);
    }
  }

  #tell(blocked) {
    this.#blocked = blocked;
    this.#onBlocked(blocked);
  }

  stop() {
    this.#element.srcObject = null;
    this.#tell(false);
  }

  set volume(value) { this.#element.volume = value; }

  get muted() { return this.#element.muted; }

  set muted(value) { this.#element.muted = value; }
}
