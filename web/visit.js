/**
 * One person's visit: how they come in, leave, come back, and what their devices bring along.
 * Joins the call to microphone and camera; knows nothing of how anything looks.
 */

import { invitation } from './addresses.js';
import { bodyFor } from './call.js';
import { State, isUnderWay } from './connection_state.js';
import { comesBackByItself } from './grace.js';
import { forgetPlace, rememberPlace, rememberedPlace } from './place.js';
import { Problem } from './problems.js';
import { wake } from './sound.js';

const DEVICES = ['mic', 'camera'];
const GONE = new Set(['room-unknown', 'ended-by-service', 'model-fatal', 'budget-spent']);
/** How often the page notes that it is still there. */
const NOTE_MS = 5_000;
/** A device that was on, or being switched on, is wanted again after a reload. */
const WAS_ON = new Set(['on', 'asking']);

export class Visit extends EventTarget {
  #call;
  #media;
  #invited;
  #asking = false;
  #claim;
  #before = rememberedPlace();
  #elsewhere = false;
  #returning = false;
  #wanted = [];

  /** Events: 'problems' (detail: list of Problem), 'enter' (another room begins), 'change'. */
  constructor(call, media, presence, claim) {
    super();
    this.#call = call;
    this.#media = media;
    this.#claim = claim;
    this.#invited = invitation(window.location.href);
    media.addEventListener('change', () => this.#onMedia());
    call.addEventListener('state', ({ detail }) => this.#onState(detail));
    call.addEventListener('problem', ({ detail }) => this.#onProblem(detail));
    claim.addEventListener('stolen', () => call.fail(new Problem('replaced')));
    presence.addEventListener('sleep', () => this.#note());
    setInterval(() => this.#note(), NOTE_MS);
  }

  /** 'fresh', 'invited', 'remembered', 'elsewhere' or 'left': why the join card is shown. */
  get why() {
    if (this.#call.session && !isUnderWay(this.#call.state)) return 'left';
    if (this.#elsewhere) return 'elsewhere';
    if (this.#invited.sessionId) return 'invited';
    return this.#before ? 'remembered' : 'fresh';
  }

  get asking() { return this.#asking; }

  /** The page was in this room a moment ago. */
  get returning() { return this.#returning; }

  /** The devices that were on before the page was loaded anew, and need a tap now. */
  get wanted() { return this.#wanted; }

  get #place() {
    const { session, ownId } = this.#call;
    if (session) return { ...session, peer: ownId };
    const { sessionId, token } = this.#invited;
    return sessionId ? { sessionId, token, peer: null } : this.#before;
  }

  /** What a page does that was just loaded: goes back to where it was, or shows a preview. */
  async begin() {
    const place = this.#before;
    const another = this.#invited.sessionId !== null && this.#invited.sessionId !== place?.sessionId;
    if (another || !comesBackByItself(place, Date.now())) {
      if (another) this.#before = null;
      else if (place) this.#before = { ...place, peer: null };
      await this.#preview();
    } else if (await this.#claim.take(place.peer)) {
      await this.#comeBack(place);
    } else {
      // A copy of a tab that is in the room.
      this.#elsewhere = true;
      this.#before = { ...place, peer: null };
      forgetPlace();
      this.dispatchEvent(new Event('change'));
      await this.#preview();
    }
  }

  /** Into the same room, as the same peer, with the devices that may be opened without asking. */
  async #comeBack(place) {
    this.#returning = true;
    const wanted = DEVICES.filter((device) => WAS_ON.has(place[device]));
    const granted = await this.#granted();
    for (const device of DEVICES) if (place[device] === 'off') this.#media.off(device);
    const open = wanted.filter((device) => granted.includes(device));
    this.#wanted = wanted.filter((device) => !granted.includes(device));
    this.dispatchEvent(new Event('change'));
    if (open.length > 0) await this.#media.open(open);
    await this.#enter(place);
  }

  /** After the tap that browsers ask for. */
  async goOn() {
    wake();
    const wanted = this.#wanted;
    this.#wanted = [];
    this.dispatchEvent(new Event('change'));
    if (wanted.length > 0) this.#tell(await this.#media.open(wanted));
  }

  /** Opens what may be opened without asking, for the preview. */
  async #preview() {
    if (this.#invited.roomBroken) this.#tell([new Problem('bad-room')]);
    const granted = await this.#granted();
    if (granted.length > 0) await this.#media.open(granted);
  }

  async #granted() {
    const granted = await Promise.all(DEVICES.map((device) => this.#media.granted(device)));
    return DEVICES.filter((device, index) => granted[index]);
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
    const place = this.#place;
    // It was a tap, so it counts more than another tab.
    if (place?.peer) await this.#claim.take(place.peer, { steal: true });
    await this.#enter(place);
  }

  async #enter(place) {
    this.#elsewhere = false;
    const { room } = this.#invited;
    await this.#call.join(place ? bodyFor(place) : room ? { room } : {});
    this.#returning = false;
    this.dispatchEvent(new Event('change'));
    if (this.#call.state === State.CONNECTED) await this.#bring();
  }

  leave() {
    this.#call.leave();
    this.#media.close();
    this.#wanted = [];
    this.#claim.release();
    this.#before = null;
    forgetPlace();
  }

  /** Writes down where the page is, for the page that comes after a reload. */
  #note() {
    const { session, ownId, state } = this.#call;
    if (session === null || !isUnderWay(state)) return;
    const { sessionId, token } = session;
    const [mic, camera] = DEVICES.map((device) =>
      (this.#wanted.includes(device) ? 'on' : this.#media.state(device)));
    rememberPlace({ sessionId, token, peer: ownId, mic, camera, seenAt: Date.now() });
  }

  #onState(state) {
    const { ownId } = this.#call;
    // Whatever other tabs think: the service says that it is this one.
    if (state === State.CONNECTED && ownId !== null) this.#claim.take(ownId, { steal: true });
    this.#note();
  }

  #onMedia() {
    this.#wanted = this.#wanted.filter((device) => this.#media.state(device) === 'idle');
    this.#note();
    this.#bring();
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

  #forget() {
    this.#invited = { ...this.#invited, sessionId: null, token: null };
    this.#call.forget();
    this.#claim.release();
    this.#before = null;
    forgetPlace();
    window.history.replaceState(null, '', window.location.pathname);
  }

  /** A room that is gone must not be what the next "Join" leads to, nor a place that was taken. */
  #onProblem({ code }) {
    if (code === 'replaced') {
      this.#claim.release();
      forgetPlace();
    }
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
