/**
 * One call from joining to leaving: the only place that knows in which order signalling, peer
 * and data channel act, and the only writer of the call's state.
 */

import { State, isUnderWay, next } from './connection_state.js';
import { Peer } from './peer.js';
import { Problem } from './problems.js';
import { toAcknowledge } from './protocol.js';
import * as rtvi from './rtvi.js';
import { CandidateBatch, Signalling } from './signalling.js';
import { online, pause, within } from './waiting.js';

const ATTEMPTS = 3;
const BETWEEN_ATTEMPTS_MS = 2_000;
const CONNECT_LIMIT_MS = 15_000;
const READY_LIMIT_MS = 20_000;
const OFFLINE_LIMIT_MS = 60_000;

/** After these the service is told nothing: it keeps the place, or has given it up itself. */
const KEEPS_PLACE = new Set(['connection-lost', 'ended-by-service', 'room-unknown']);

/** These say more than that a connection was lost. */
const TELLS_MORE = new Set(['service-full', 'too-many']);

export class Call extends EventTarget {
  #folder;
  #state = State.IDLE;
  #session = null;
  #signalling = null;
  #peer = null;
  #pcId = null;
  #batch = null;
  #ending = new AbortController();
  #ready = null;
  #tracks = { audio: null, video: null };
  #heard = { audio: false, video: false };
  #messages = 0;
  #name = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);

  /** Events: 'state' (detail: State), 'room' ({same: the room of the join before}), 'past' (what was
   *  said there), 'message' (decoded), 'track', 'problem' (detail: Problem). */
  constructor(folder) {
    super();
    this.#folder = folder;
  }

  get state() { return this.#state; }

  get peerConnection() { return this.#peer?.connection ?? null; }

  /** {sessionId, token} of the room, or null before the first join. */
  get session() { return this.#session; }

  get messageLimit() { return this.#peer?.messageLimit ?? 0; }

  /** Joins the room in `body`, or opens one. Never raises: the outcome is state and problem. */
  async join(body) {
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    this.#apply('join');
    try {
      await this.#come(body, 'no-connection', signal);
      this.#apply('ready');
    } catch (error) {
      this.#giveUp(error, signal);
    }
  }

  /** Ends the call from this side; safe in every state. */
  leave() {
    if (this.#state === State.IDLE || this.#state === State.CLOSED) return;
    if (this.#peer) this.send(rtvi.disconnectBot(this.#id()));
    this.#goodbye();
    this.#end();
  }

  /** The page is going away: nothing can be awaited any more. */
  goodbye() {
    if (isUnderWay(this.#state)) this.#goodbye();
  }

  /** Forgets the room, so that the next join opens another. */
  forget() {
    if (!isUnderWay(this.#state)) this.#session = null;
  }

  /** Sends one RTVI message; true when it went out. */
  send(message) {
    return this.#peer?.send(JSON.stringify(message)) ?? false;
  }

  sendText(content) { return this.send(rtvi.sendText(this.#id(), content)); }

  sendFile(content, file, last) { return this.send(rtvi.sendFile(this.#id(), content, file, last)); }

  upload(file) { return this.#signalling.upload(file); }

  /** `track` or null; `heard` false while muted. Takes effect now and after every reconnect. */
  async setAudio(track, heard) {
    const fresh = track !== this.#tracks.audio;
    const audible = track !== null && heard;
    if (!fresh && audible === this.#heard.audio) return;
    this.#tracks.audio = track;
    this.#heard.audio = audible;
    if (fresh) await this.#peer?.sendAudio(track);
    if (this.#peer?.owesOffer) await this.#renegotiate();
    this.send(rtvi.trackStatus(rtvi.RECEIVER.AUDIO, this.#heard.audio));
  }

  async setVideo(track) {
    if (track === this.#tracks.video) return;
    this.#tracks.video = track;
    this.#heard.video = track !== null;
    await this.#peer?.sendVideo(track);
    this.send(rtvi.trackStatus(rtvi.RECEIVER.VIDEO, this.#heard.video));
  }

  #id() {
    this.#messages += 1;
    return `${this.#name}-${this.#messages}`;
  }

  /** From /start to bot-ready. */
  async #come(body, lastWord, signal) {
    const before = this.#session?.sessionId;
    const session = await Signalling.start(this.#folder, body);
    signal.throwIfAborted();
    this.#session = session;
    this.#emit('room', { same: this.#session.sessionId === before });
    this.#signalling = new Signalling(this.#folder, this.#session);
    if (body.sessionId) this.#tellPast(this.#signalling);
    this.#pcId = null;
    await this.#connect(lastWord, signal);
    await this.#introduce(signal);
  }

  /** client-ready, and the wait for bot-ready. */
  async #introduce(signal) {
    this.#ready = Promise.withResolvers();
    this.send(rtvi.clientReady(this.#id()));
    await within(this.#ready.promise, READY_LIMIT_MS, new Problem('no-answer'), signal);
  }

  async #tellPast(signalling) {
    const said = await signalling.transcript();
    if (signalling === this.#signalling && said.length > 0) this.#emit('past', said);
  }

  async #connect(lastWord, signal) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await online(this.#folder, OFFLINE_LIMIT_MS, new Problem(lastWord), signal);
        await this.#attempt(signal);
        return;
      } catch (error) {
        if (signal.aborted) throw error;
        // A service that names a time should not be asked again before it.
        if (error instanceof Problem && (error.final || error.retryAfterS !== null)) throw error;
        if (attempt === ATTEMPTS) throw this.#lastProblem(error, lastWord);
      }
      await pause(BETWEEN_ATTEMPTS_MS, signal);
    }
  }

  #lastProblem(error, lastWord) {
    const tells = error instanceof Problem && lastWord === 'no-connection';
    return tells || TELLS_MORE.has(error.code) ? error : new Problem(lastWord);
  }

  async #attempt(signal) {
    const peer = this.#openPeer();
    const signalling = this.#signalling;
    try {
      const restart = this.#pcId !== null;
      const answer = await signalling.offer(await peer.offer(), this.#pcId, restart);
      if (signal.aborted) signalling.leave(answer.pc_id);
      signal.throwIfAborted();
      this.#pcId = answer.pc_id;
      await peer.accept(answer.sdp);
      this.#batch.open((list) => signalling.candidates(answer.pc_id, list));
      const late = new Problem('no-connection', { final: false });
      await within(peer.opened(), CONNECT_LIMIT_MS, late, signal);
    } catch (error) {
      peer.close();
      throw error;
    }
    this.#tellTracks();
    peer.addEventListener('lost', () => this.#reconnect());
    // A microphone that was allowed while the first offer was on its way.
    if (peer.owesOffer) await this.#renegotiate();
  }

  #openPeer() {
    this.#peer?.close();
    this.#batch?.close();
    const peer = new Peer(this.#session.iceServers, this.#tracks);
    const batch = new CandidateBatch();
    this.#peer = peer;
    this.#batch = batch;
    peer.addEventListener('candidate', ({ detail }) => batch.add(detail));
    peer.addEventListener('track', ({ detail }) => this.#emit('track', detail));
    peer.addEventListener('message', ({ detail }) => this.#receive(detail));
    return peer;
  }

  #tellTracks() {
    this.send(rtvi.trackStatus(rtvi.RECEIVER.AUDIO, this.#heard.audio));
    this.send(rtvi.trackStatus(rtvi.RECEIVER.VIDEO, this.#heard.video));
  }

  async #reconnect() {
    if (this.#state === State.CONNECTING) {
      this.#giveUp(new Problem('no-connection'));
      return;
    }
    if (this.#state !== State.CONNECTED) return;
    this.#apply('lose');
    const { signal } = this.#ending;
    try {
      await this.#restore(signal);
      this.#apply('ready');
    } catch (error) {
      this.#giveUp(error, signal);
    }
  }

  /** Takes the place up again; when the service gave it away, comes in anew by the same door. */
  async #restore(signal) {
    const before = this.#pcId;
    try {
      await this.#connect('connection-lost', signal);
      if (this.#pcId === before) return;
      this.#emit('room', { same: true });
      await this.#introduce(signal);
    } catch (error) {
      if (error.code !== 'room-unknown') throw error;
      const { sessionId, token } = this.#session;
      await this.#come({ sessionId, ...(token ? { token } : {}) }, 'connection-lost', signal);
    }
  }

  /** A new offer on the same connection; when that fails, a new connection. */
  async #renegotiate() {
    const peer = this.#peer;
    if (peer === null || this.#pcId === null) return;
    try {
      const answer = await this.#signalling.offer(await peer.offer(), this.#pcId, false);
      await peer.accept(answer.sdp);
    } catch {
      if (peer !== this.#peer || this.#state !== State.CONNECTED) return;
      peer.close();
      await this.#reconnect();
    }
  }

  #receive(raw) {
    const message = rtvi.decodeUntrusted(raw);
    if (message === null) return;
    if (message.kind === 'signalling') {
      if (message.type === 'renegotiate') this.#renegotiate();
      if (message.type === 'peerLeft') this.#giveUp(new Problem('ended-by-service'));
      return;
    }
    if (message.type === 'bot-ready') this.#ready?.resolve();
    this.#emit('message', message);
    const seq = toAcknowledge(message);
    if (seq !== null) this.send(rtvi.imageAck(this.#id(), seq));
  }

  /**
   * Ends the call with a problem, unless it was ended on purpose: then another may be under way
   * by now, to which the failure of the first one (`signal`) means nothing.
   */
  #giveUp(error, signal = this.#ending.signal) {
    if (!isUnderWay(this.#state) || signal.aborted) return;
    const problem = error instanceof Problem ? error : new Problem('no-connection');
    if (!KEEPS_PLACE.has(problem.code)) this.#goodbye();
    this.#release();
    this.#apply(problem.code === 'ended-by-service' ? 'end' : 'give_up');
    this.#emit('problem', problem);
  }

  /** The service said that this conversation cannot go on. */
  fail(problem) { this.#giveUp(problem); }

  #goodbye() {
    if (this.#pcId !== null) this.#signalling.leave(this.#pcId);
  }

  #end() {
    this.#release();
    this.#apply('end');
  }

  #release() {
    this.#ending.abort();
    this.#batch?.close();
    this.#peer?.close();
    this.#peer = null;
    this.#pcId = null;
  }

  #apply(event) {
    this.#state = next(this.#state, event);
    this.#emit('state', this.#state);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
