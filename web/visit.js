/**
 * One person's visit: how they come in, leave, come back, and what their devices bring along.
 * Joins the call to microphone and camera; knows nothing of how anything looks.
 */

import { invitation } from './addresses.js';
import { State, isUnderWay } from './connection_state.js';
import { rememberRoom, rememberedRoom } from './place.js';
import { Problem } from './problems.js';
import { wake } from './sound.js';

const DEVICES = ['mic', 'camera'];
const GONE = new Set(['room-unknown', 'ended-by-service', 'model-fatal']);

export class Visit extends EventTarget {
  #call;
  #media;
  #invited;
  #asking = false;

  /** Events: 'problems' (detail: list of Problem), 'enter' (another room begins), 'change'. */
  constructor(call, media) {
    super();
    this.#call = call;
    this.#media = media;
    this.#invited = invitation(window.location.href);
    media.addEventListener('change', () => this.#bring());
    call.addEventListener('problem', ({ detail }) => this.#onProblem(detail));
    window.addEventListener('pagehide', () => call.goodbye());
  }

  /** 'fresh', 'invited', 'remembered' or 'left': why the join card is shown. */
  get why() {
    if (this.#call.session && !isUnderWay(this.#call.state)) return 'left';
    if (this.#invited.sessionId) return 'invited';
    return rememberedRoom() ? 'remembered' : 'fresh';
  }

  get asking() { return this.#asking; }

  get #place() {
    const { sessionId, token } = this.#invited;
    return this.#call.session ?? (sessionId ? { sessionId, token } : rememberedRoom());
  }

  /** Opens what may be opened without asking, for the preview. */
  async preview() {
    if (this.#invited.roomBroken) this.#tell([new Problem('bad-room')]);
    const granted = await Promise.all(DEVICES.map((device) => this.#media.granted(device)));
    const wanted = DEVICES.filter((device, index) => granted[index]);
    if (wanted.length > 0) await this.#media.open(wanted);
  }

  /** Asks for both devices, ahead of joining. */
  async check() {
    wake();
    this.#tell(await this.#media.open(DEVICES));
  }

  /** Joins with whatever the browser grants. */
  async join({ newRoom = false, devices = true } = {}) {
    if (this.#asking && devices) return;
    wake();
    if (newRoom) this.#forget();
    this.dispatchEvent(new Event('enter'));
    if (devices) await this.#ask();
    else this.#closeUnasked();
    if (isUnderWay(this.#call.state)) return;
    await this.#call.join(this.#body());
    if (this.#call.state !== State.CONNECTED) return;
    rememberRoom(this.#call.session);
    await this.#bring();
  }

  leave() {
    this.#call.leave();
    this.#media.close();
  }

  async toggleMic() {
    const state = this.#media.state('mic');
    if (state === 'on') this.#media.mute();
    else if (state === 'off' && this.#media.track('mic')) this.#media.unmute();
    else await this.#openOne('mic');
  }

  async toggleCamera() {
    if (this.#media.state('camera') === 'on') this.#media.off('camera');
    else await this.#openOne('camera');
  }

  async turnCamera() { this.#tell(await this.#media.switchCamera()); }

  async choose(device, deviceId) { this.#tell(await this.#media.choose(device, deviceId)); }

  async #openOne(device) {
    wake();
    this.#tell(await this.#media.open([device]));
  }

  /** Devices that were switched off beforehand stay off. */
  async #ask() {
    this.#asking = true;
    this.dispatchEvent(new Event('change'));
    const wanted = DEVICES.filter((device) => this.#media.state(device) !== 'off');
    this.#tell(await this.#media.open(wanted));
    this.#asking = false;
    this.dispatchEvent(new Event('change'));
  }

  #closeUnasked() {
    for (const device of DEVICES) {
      if (this.#media.state(device) === 'idle') this.#media.off(device);
    }
  }

  #body() {
    const place = this.#place;
    if (place) return { sessionId: place.sessionId, ...(place.token ? { token: place.token } : {}) };
    return this.#invited.room ? { room: this.#invited.room } : {};
  }

  #forget() {
    this.#invited = { ...this.#invited, sessionId: null, token: null };
    this.#call.forget();
    rememberRoom(null);
    window.history.replaceState(null, '', window.location.pathname);
  }

  /** A room that is gone must not be what the next "Join" leads to. */
  #onProblem({ code }) {
    if (!GONE.has(code)) return;
    this.#forget();
    this.dispatchEvent(new Event('change'));
  }

  async #bring() {
    await this.#call.setAudio(this.#media.track('mic'), this.#media.state('mic') === 'on');
    await this.#call.setVideo(this.#media.track('camera'));
  }

  #tell(problems) {
    this.dispatchEvent(new CustomEvent('problems', { detail: problems }));
  }
}
