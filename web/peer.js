/**
 * One RTCPeerConnection and its data channel. A peer connects once and is replaced, never
 * repaired: after a loss `call.js` builds the next one.
 */

import { encodingFor, limitVideo } from './sending_limits.js';
import { ping } from './rtvi.js';

const PING_MS = 1_000;
const LOOK_MS = 100;
/** ICE, which has missed five seconds by then, may come back by itself. */
const DISCONNECTED_LIMIT_MS = 2_000;

export class Peer extends EventTarget {
  #connection;
  #channel;
  #audio;
  #video;
  #timers = { ping: null, lost: null };
  #over = false;
  #owesOffer = false;
  #opened = Promise.withResolvers();

  /** Events: 'track' (detail: MediaStreamTrack), 'message' (detail: text or bytes), 'candidate',
   *  'lost' (once, after it was open). `tracks` is {audio, video}, each a track or null. */
  constructor(iceServers, tracks) {
    super();
    this.#opened.promise.catch(() => {});
    this.#connection = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.#addMedia(tracks);
    this.#channel = this.#connection.createDataChannel('chat', { ordered: true });
    this.#channel.binaryType = 'arraybuffer';
    this.#listen();
  }

  get connection() {
    return this.#connection;
  }

  /** The largest message, in bytes, that the other side takes. */
  get messageLimit() {
    return this.#connection.sctp?.maxMessageSize ?? 65_536;
  }

  /** Settles when the data channel is open, or rejects when the attempt failed. */
  opened() {
    return this.#opened.promise;
  }

  /** True when what is to be sent has changed since the offer that was answered. */
  get owesOffer() {
    const { signalingState, remoteDescription } = this.#connection;
    return this.#owesOffer && signalingState === 'stable' && remoteDescription !== null;
  }

  async offer() {
    this.#owesOffer = false;
    await this.#connection.setLocalDescription(await this.#connection.createOffer());
    return this.#connection.localDescription.sdp;
  }

  accept(sdp) {
    return this.#connection.setRemoteDescription({ type: 'answer', sdp });
  }

  /** True when the message went out. */
  send(text) {
    if (this.#channel.readyState !== 'open') return false;
    this.#channel.send(text);
    return true;
  }

  /** Another offer may be owed afterwards: the first one only wanted to listen. */
  async sendAudio(track) {
    if (this.#over) return;
    await this.#audio.sender.replaceTrack(track);
    if (track === null || this.#audio.direction !== 'recvonly') return;
    this.#audio.direction = 'sendrecv';
    this.#owesOffer = true;
  }

  async sendVideo(track) {
    if (this.#over) return;
    await this.#video.sender.replaceTrack(track);
    await limitVideo(this.#video.sender);
  }

  /**
   * False when nothing at all arrives within `ms`, though the other side answers every ping. A
   * browser that does not count what arrives is believed.
   */
  async isAlive(ms) {
    const until = performance.now() + ms;
    const before = await this.#bytesReceived();
    this.send(ping(Date.now()));
    while (before !== null && !this.#over && performance.now() < until) {
      await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
      if ((await this.#bytesReceived()) > before) return true;
    }
    return before === null;
  }

  async #bytesReceived() {
    const reports = [...(await this.#connection.getStats()).values()];
    const counts = reports.filter(({ type, bytesReceived }) =>
      (type === 'transport' || type === 'candidate-pair') && Number.isFinite(bytesReceived));
    return counts.length === 0 ? null : counts.reduce((sum, one) => sum + one.bytesReceived, 0);
  }

  close() {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#timers.ping);
    clearTimeout(this.#timers.lost);
    this.#opened.reject(new Error('closed'));
    this.#channel.close();
    this.#connection.close();
  }

  #addMedia({ audio, video }) {
    const connection = this.#connection;
    this.#audio = connection.addTransceiver(audio ?? 'audio', {
      direction: audio ? 'sendrecv' : 'recvonly',
    });
    this.#video = connection.addTransceiver(video ?? 'video', {
      direction: 'sendrecv',
      sendEncodings: [encodingFor(video?.getSettings?.() ?? {})],
    });
  }

  #listen() {
    const connection = this.#connection;
    connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate) this.#emit('candidate', candidate);
    });
    connection.addEventListener('track', ({ track }) => this.#emit('track', track));
    connection.addEventListener('connectionstatechange', () => this.#watch());
    connection.addEventListener('iceconnectionstatechange', () => this.#watch());
    this.#channel.addEventListener('message', ({ data }) => this.#emit('message', data));
    this.#channel.addEventListener('close', () => this.lose());
    this.#channel.addEventListener('open', () => this.#open());
  }

  #open() {
    this.#timers.ping = setInterval(() => this.send(ping(Date.now())), PING_MS);
    limitVideo(this.#video.sender);
    this.#opened.resolve();
  }

  #watch() {
    const { iceConnectionState, connectionState } = this.#connection;
    if (iceConnectionState === 'failed' || connectionState === 'failed') {
      this.lose();
    } else if (iceConnectionState === 'disconnected') {
      this.#timers.lost ??= setTimeout(() => this.lose(), DISCONNECTED_LIMIT_MS);
    } else {
      clearTimeout(this.#timers.lost);
      this.#timers.lost = null;
    }
  }

  /** Gives the connection up, as when it was lost. */
  lose() {
    if (this.#over) return;
    this.close();
    this.#emit('lost', null);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
