/**
 * One call from joining to leaving: the only place that knows in which order signalling, peer
 * and data channel act, and the only writer of the call's state.
 */

import { State, isUnderWay, next } from './connection_state.js';
import { mayTryAgain, pauseMs } from './grace.js';
import { Peer } from './peer.js';
import { Problem } from './problems.js';
import { saysReplaced, toAcknowledge } from './protocol.js';
import * as rtvi from './rtvi.js';
import { CandidateBatch, Signalling } from './signalling.js';
import { online, pause, within } from './waiting.js';

const CONNECT_LIMIT_MS = 15_000;
/** On the way back a try that hangs is in the way of the next one. */
const RETURN_LIMIT_MS = 8_000;
const READY_LIMIT_MS = 20_000;
/** Who comes back while Gemini is away waits for it in the room. */
const READY_AGAIN_LIMIT_MS = 60_000;
const OFFLINE_LIMIT_MS = 60_000;
/** The service answers each ping within a round trip. */
const ALIVE_LIMIT_MS = 2_000;

/** After these the service is told nothing: it keeps the place, or has given it up itself. */
const KEEPS_PLACE = new Set([
  'connection-lost', 'ended-by-service', 'room-unknown', 'replaced', 'budget-spent', 'no-answer',
]);

/** These say more than that a connection was lost. */
const TELLS_MORE = new Set(['service-full', 'too-many']);

/** The body of /start that leads to a place: {sessionId, token, peer}. */
export function bodyFor({ sessionId, token, peer }) {
  return { sessionId, ...(token ? { token } : {}), ...(peer ? { peer } : {}) };
}

export class Call extends EventTarget {
  #folder;
  #presence;
  #state = State.IDLE;
  #session = null;
  #signalling = null;
  #peer = null;
  #pcId = null;
  #ownId = null;
  #lostAt = null;
  #batch = null;
  #ending = new AbortController();
  #ready = null;
  #tracks = { audio: null, video: null };
  #heard = { audio: false, video: false };
  #messages = 0;
  #name = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);

  /** Events: 'state' (detail: State), 'room' ({same: the room of the join before}), 'past' (its state
   *  as the service tells it), 'message' (decoded), 'track', 'problem' (detail: Problem). */
  constructor(folder, presence) {
    super();
    this.#folder = folder;
    this.#presence = presence;
    presence.addEventListener('sleep', () => this.#peer?.lose());
    presence.addEventListener('wake', () => this.#look());
  }

  get state() { return this.#state; }

  get peerConnection() { return this.#peer?.connection ?? null; }

  /** {sessionId, token} of the room, or null before the first join. */
  get session() { return this.#session; }

  /** The peer id to come back under; null before the first offer, and after a goodbye. */
  get ownId() { return this.#ownId; }

  get messageLimit() { return this.#peer?.messageLimit ?? 0; }

  /**
   * Joins the room in `body`, in the place of its `peer` if there is one, or opens a room. Never
   * raises: the outcome is state and problem.
   */
  async join(body) {
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    this.#apply('join');
    this.#lostAt = body.peer ? Date.now() : null;
    try {
      await this.#come(body, body.peer ? 'connection-lost' : 'no-connection', signal);
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

  /** Forgets the room, so that the next join opens another. */
  forget() {
    if (isUnderWay(this.#state)) return;
    this.#session = null;
    this.#ownId = null;
  }

  /** Sends one RTVI message; true when it went out. */
  send(message) {
    return this.#peer?.send(JSON.stringify(message)) ?? false;
  }

  sendText(content) { return this.send(rtvi.sendText(this.#id(), content)); }

  sendFile(content, file, last) { return this.send(rtvi.sendFile(this.#id(), content, file, last)); }

  /** Asks for other settings of the room; the id of the request, or null when it did not go out. */
  askFor(settings) {
    const id = this.#id();
    return this.send(rtvi.updateSettings(id, settings)) ? id : null;
  }

  /** True when it went out; a refusal comes as an `error-response`. */
  command(kind, data = {}) { return this.send(rtvi.imageCommand(this.#id(), kind, data)); }

  /** {url} of a link to one image, for people who are not in the room. Raises Problem. */
  pictureLink(imageId) { return this.#signalling.pictureLink(imageId); }

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
    const { peer, ...session } = await this.#tries(() => Signalling.start(this.#folder, body), lastWord, signal);
    signal.throwIfAborted();
    this.#session = session;
    this.#emit('room', { same: this.#session.sessionId === before });
    this.#signalling = new Signalling(this.#folder, this.#session);
    if (body.sessionId) this.#tellPast();
    this.#pcId = peer;
    await this.#tries(() => this.#enter(lastWord, signal), lastWord, signal);
    // What became final between the first look and the connection; and the settings.
    this.#tellPast();
  }

  async #enter(lastWord, signal) {
    await this.#takePlace(lastWord, signal);
    await this.#introduce(signal);
  }

  /** Under the old id, or as a new peer when the service has given that away meanwhile. */
  async #takePlace(lastWord, signal) {
    try {
      await this.#connect(lastWord, signal);
    } catch (error) {
      if (this.#pcId === null || error.code !== 'room-unknown') throw error;
      this.#pcId = null;
      await this.#connect(lastWord, signal);
    }
  }

  /** client-ready, and the wait for bot-ready. */
  async #introduce(signal) {
    this.#ready = Promise.withResolvers();
    if (!this.send(rtvi.clientReady(this.#id()))) throw this.#lostOnTheWay();
    const limitMs = this.#lostAt === null ? READY_LIMIT_MS : READY_AGAIN_LIMIT_MS;
    await within(this.#ready.promise, limitMs, new Problem('no-answer'), signal);
  }

  async #tellPast() {
    const signalling = this.#signalling;
    const room = await signalling.room();
    if (signalling === this.#signalling && room !== null) this.#emit('past', room);
  }

  #connect(lastWord, signal) {
    return this.#tries(() => this.#attempt(signal), lastWord, signal);
  }

  /** `step` until it succeeds; raises its last Problem when another try is of no use. */
  async #tries(step, lastWord, signal) {
    for (let tries = 1; ; tries += 1) {
      let named = null;
      try {
        await this.#presence.awake;
        signal.throwIfAborted();
        await online(this.#folder, OFFLINE_LIMIT_MS, new Problem(lastWord), signal);
        return await step();
      } catch (error) {
        if (signal.aborted) throw error;
        if (error instanceof Problem && error.final) throw error;
        // A service that names a time should not be asked again before it.
        named = error.retryAfterS ?? null;
        if (named !== null && this.#lostAt === null) throw error;
        const next = Date.now() + (named ?? 0) * 1000;
        if (!mayTryAgain(tries, this.#lostAt, next)) throw this.#lastProblem(error, lastWord);
      }
      if (named === null) await pause(pauseMs(tries, Math.random()), signal, this.#presence);
      else await pause(named * 1000, signal);
    }
  }

  #lastProblem(error, lastWord) {
    const tells = error instanceof Problem && lastWord === 'no-connection';
    return tells || TELLS_MORE.has(error.code) ? error : new Problem(lastWord);
  }

  async #attempt(signal) {
    const peer = this.#openPeer();
    const signalling = this.#signalling;
    const limitMs = this.#lostAt === null ? CONNECT_LIMIT_MS : RETURN_LIMIT_MS;
    try {
      const restart = this.#pcId !== null;
      const answer = await signalling.offer(await peer.offer(), this.#pcId, { restart, limitMs });
      if (signal.aborted) signalling.leave(answer.pc_id);
      signal.throwIfAborted();
      this.#pcId = answer.pc_id;
      this.#ownId = answer.pc_id;
      await peer.accept(answer.sdp);
      this.#batch.open((list) => signalling.candidates(answer.pc_id, list));
      const late = new Problem('no-connection', { final: false });
      await within(peer.opened(), limitMs, late, signal);
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
    peer.addEventListener('message', ({ detail }) => { if (peer === this.#peer) this.#receive(detail); });
    return peer;
  }

  #tellTracks() {
    this.send(rtvi.trackStatus(rtvi.RECEIVER.AUDIO, this.#heard.audio));
    this.send(rtvi.trackStatus(rtvi.RECEIVER.VIDEO, this.#heard.video));
  }

  /** After a time in the background, or another network, the old connection may be dead in silence. */
  async #look() {
    const peer = this.#peer;
    if (this.#state !== State.CONNECTED || (await peer.isAlive(ALIVE_LIMIT_MS))) return;
    if (peer === this.#peer) peer.lose();
  }

  /** Who comes for the first time hears of it; who comes back tries again. */
  #lostOnTheWay() {
    const isFirst = this.#lostAt === null;
    return new Problem(isFirst ? 'no-connection' : 'connection-lost', { final: isFirst });
  }

  async #reconnect() {
    if (this.#state !== State.CONNECTED) {
      this.#ready?.reject(this.#lostOnTheWay());
      return;
    }
    this.#lostAt = Date.now();
    this.#batch.close();
    this.#apply('lose');
    const { signal } = this.#ending;
    try {
      await this.#restore(signal);
      this.#apply('ready');
      this.#tellPast();
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
      await this.#come(bodyFor({ sessionId, token, peer: before }), 'connection-lost', signal);
    }
  }

  /** A new offer on the same connection; when that fails, a new connection. */
  async #renegotiate() {
    const peer = this.#peer;
    if (peer === null || this.#pcId === null) return;
    try {
      const answer = await this.#signalling.offer(await peer.offer(), this.#pcId, {});
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
    if (saysReplaced(message)) {
      this.#giveUp(new Problem('replaced'));
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

  /** This conversation cannot go on, or not here. */
  fail(problem) { this.#giveUp(problem); }

  #goodbye() {
    this.#ownId = null;
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
