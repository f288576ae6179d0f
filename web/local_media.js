/**
 * This person's microphone and camera: asking, choosing, muting, switching, losing.
 *
 * Each device has a state: 'idle' (not asked yet), 'asking', 'on', 'off' (muted, or switched off),
 * 'denied', 'missing', 'busy'. Turning the camera off stops it, so that its light goes out; the
 * microphone stays open while muted, so that speaking again needs no new permission.
 */

import { LONG_SIDE } from './sending_limits.js';
import { Problem, mergedMedia, problemOfMedia } from './problems.js';

const AUDIO = Object.freeze({
  echoCancellation: true, noiseSuppression: true, autoGainControl: true,
});
const VIDEO = Object.freeze({ width: { ideal: LONG_SIDE }, height: { ideal: 720 } });
const KIND = Object.freeze({ mic: 'audio', camera: 'video' });

const fresh = () => ({ state: 'idle', track: null, deviceId: null });

export class LocalMedia extends EventTarget {
  #devices = { mic: fresh(), camera: fresh() };
  #facing = 'user';

  /** Events: 'change' (a state, track or list changed), 'problem' (detail: Problem). */
  constructor() {
    super();
    navigator.mediaDevices?.addEventListener?.('devicechange', () => this.#changed());
  }

  get available() { return typeof navigator.mediaDevices?.getUserMedia === 'function'; }

  state(device) { return this.#devices[device].state; }

  track(device) { return this.#devices[device].track; }

  /** True when the picture is of the person, and should look like a mirror. */
  get mirrored() {
    return this.#devices.camera.track?.getSettings?.().facingMode !== 'environment';
  }

  /** True when the browser would not ask any more. Some browsers cannot tell: false. */
  async granted(device) {
    try {
      const name = device === 'mic' ? 'microphone' : 'camera';
      return (await navigator.permissions.query({ name })).state === 'granted';
    } catch {
      return false;
    }
  }

  /** [{deviceId, label}] of one kind; labels are empty before permission. */
  async list(device) {
    if (!this.available) return [];
    const kind = `${KIND[device]}input`;
    const all = await navigator.mediaDevices.enumerateDevices();
    return all.filter((one) => one.kind === kind && one.deviceId !== '');
  }

  /** Opens those of `wanted` that are not open. Returns Problems; an empty list means success. */
  async open(wanted) {
    if (!this.available) return [new Problem('insecure-page')];
    const missing = wanted.filter((device) => this.#devices[device].track === null);
    for (const device of missing) this.#set(device, { state: 'asking' });
    if (missing.length === 2 && (await this.#openTogether())) return [];
    const problems = [];
    for (const device of missing) {
      const problem = await this.#openAlone(device);
      if (problem) problems.push(problem);
    }
    return mergedMedia(problems);
  }

  /** Uses another device of the same kind. Returns Problems. */
  async choose(device, deviceId) {
    const was = this.#devices[device].state;
    this.#drop(device, was);
    this.#set(device, { deviceId });
    const problems = was === 'off' && device === 'camera' ? [] : await this.open([device]);
    if (was === 'off' && device === 'mic') this.mute();
    return problems;
  }

  mute() { this.#hear(false); }

  unmute() { this.#hear(true); }

  /** For a device that is not wanted: closes the camera, or leaves a closed microphone closed. */
  off(device) {
    if (device === 'mic' && this.#devices.mic.track) this.mute();
    else this.#drop(device, 'off');
  }

  /** Front to back and back again on phones, else the next camera. Returns Problems. */
  async switchCamera() {
    const camera = this.#devices.camera;
    const settings = camera.track?.getSettings?.() ?? {};
    const facing = settings.facingMode;
    if (facing) {
      this.#facing = facing === 'user' ? 'environment' : 'user';
      camera.deviceId = null;
    } else {
      const ids = (await this.list('camera')).map((one) => one.deviceId);
      camera.deviceId = ids[(ids.indexOf(settings.deviceId) + 1) % ids.length] ?? null;
    }
    this.#drop('camera', 'off');
    return this.open(['camera']);
  }

  close() {
    this.#drop('mic', 'idle');
    this.#drop('camera', 'idle');
  }

  #hear(audible) {
    const { track } = this.#devices.mic;
    if (!track) return;
    track.enabled = audible;
    this.#set('mic', { state: audible ? 'on' : 'off' });
  }

  #constraints(device) {
    const { deviceId } = this.#devices[device];
    const chosen = deviceId ? { deviceId: { exact: deviceId } } : {};
    if (device === 'mic') return { ...AUDIO, ...chosen };
    return deviceId ? { ...VIDEO, ...chosen } : { ...VIDEO, facingMode: { ideal: this.#facing } };
  }

  async #openTogether() {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: this.#constraints('mic'), video: this.#constraints('camera'),
      });
      this.#adopt('mic', stream.getAudioTracks()[0]);
      this.#adopt('camera', stream.getVideoTracks()[0]);
      return true;
    } catch {
      return false;
    }
  }

  async #openAlone(device) {
    const kind = KIND[device];
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: this.#constraints(device) });
      this.#adopt(device, stream.getTracks()[0]);
      return null;
    } catch (error) {
      const problem = problemOfMedia(device, error.name);
      this.#set(device, { state: problem.code.split('-')[1], deviceId: null });
      return problem;
    }
  }

  #adopt(device, track) {
    if (device === 'camera' && 'contentHint' in track) track.contentHint = 'detail';
    track.addEventListener('ended', () => {
      if (this.#devices[device].track !== track) return;
      this.#drop(device, 'missing');
      this.dispatchEvent(new CustomEvent('problem', { detail: new Problem(`${device}-ended`) }));
    });
    this.#set(device, { state: 'on', track });
  }

  #drop(device, state) {
    const { track } = this.#devices[device];
    this.#set(device, { state, track: null });
    track?.stop();
  }

  #set(device, change) {
    Object.assign(this.#devices[device], change);
    this.#changed();
  }

  #changed() { this.dispatchEvent(new Event('change')); }
}
