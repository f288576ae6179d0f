/**
 * The HTTP side of a call, as pipecat's SmallWebRTC client speaks it: start, offer, candidates,
 * leave, upload. Every failure is a Problem.
 */

import { beneath } from './addresses.js';
import { Problem, problemOfResponse } from './problems.js';

const REQUEST_LIMIT_MS = 20_000;
const UPLOAD_LIMIT_MS = 60_000;
const BATCH_MS = 200;

async function bodyOf(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

async function answered(request, limitMs) {
  let response;
  try {
    response = await request(AbortSignal.timeout(limitMs));
  } catch {
    throw new Problem('unreachable', { final: false });
  }
  const body = await bodyOf(response);
  if (response.ok && body !== null) return body;
  const retryAfter = response.headers.get('Retry-After');
  throw problemOfResponse(response.ok ? 502 : response.status, body, retryAfter, Date.now());
}

export class Signalling {
  #folder;
  #session;

  /** `session` is {sessionId, token} as `start` returned it. */
  constructor(folder, session) {
    this.#folder = folder;
    this.#session = session;
  }

  /**
   * Opens a room, or joins the one in `body.sessionId`, in the place of `body.peer` if it is there.
   * Returns {sessionId, token, iceServers, peer}, where `peer` is the id to offer under, or null for
   * a new one; raises Problem.
   */
  static async start(folder, body) {
    const request = { transport: 'webrtc', enableDefaultIceServers: false, body };
    const answer = await answered(
      (signal) => fetch(beneath(folder, 'start'), {
        method: 'POST', signal, headers: headersFor(body.token, true), body: JSON.stringify(request),
      }),
      REQUEST_LIMIT_MS,
    );
    if (typeof answer.sessionId !== 'string') throw new Problem('service-error');
    return {
      sessionId: answer.sessionId,
      token: answer.token ?? body.token ?? null,
      iceServers: answer.iceConfig?.iceServers ?? [],
      peer: body.peer && typeof answer.peer === 'string' ? answer.peer : null,
    };
  }

  get #offerUrl() {
    const id = encodeURIComponent(this.#session.sessionId);
    return beneath(this.#folder, `sessions/${id}/api/offer`);
  }

  #json(method, body, more = {}) {
    return {
      method, headers: headersFor(this.#session.token, true), body: JSON.stringify(body), ...more,
    };
  }

  /** Returns {sdp, type, pc_id}; raises Problem. */
  offer(sdp, pcId, { restart = false, limitMs = REQUEST_LIMIT_MS }) {
    const body = {
      sdp, type: 'offer', pc_id: pcId, restart_pc: restart,
      requestData: { token: this.#session.token },
    };
    return answered(
      (signal) => fetch(this.#offerUrl, this.#json('POST', body, { signal })), limitMs,
    );
  }

  /** The room's state, or null when it cannot be had. */
  async room() {
    const url = beneath(this.#folder, `sessions/${encodeURIComponent(this.#session.sessionId)}`);
    const headers = headersFor(this.#session.token, false);
    try {
      return await answered((signal) => fetch(url, { headers, signal }), REQUEST_LIMIT_MS);
    } catch {
      return null;
    }
  }

  /** A failed batch is not fatal: ICE may succeed without it. */
  async candidates(pcId, candidates) {
    const signal = AbortSignal.timeout(REQUEST_LIMIT_MS);
    try {
      await fetch(this.#offerUrl, this.#json('PATCH', { pc_id: pcId, candidates }, { signal }));
    } catch {
      console.warn('easel: a batch of candidates was not delivered');
    }
  }

  /** Says goodbye, and never raises. */
  async leave(pcId) {
    try {
      await fetch(this.#offerUrl, this.#json('DELETE', { pc_id: pcId }, { keepalive: true }));
    } catch {
      console.warn('easel: the goodbye was not delivered; the service will notice by itself');
    }
  }

  /** Returns {url, expiresAt}: a link to one image. Raises Problem. */
  pictureLink(imageId) {
    const path = `sessions/${encodeURIComponent(this.#session.sessionId)}/images/${encodeURIComponent(imageId)}/link`;
    const headers = headersFor(this.#session.token, false);
    const url = beneath(this.#folder, path);
    return answered((signal) => fetch(url, { method: 'POST', headers, signal }), REQUEST_LIMIT_MS);
  }

  /** Returns {name, source, format} for a send-file message; raises Problem 'upload-refused'. */
  async upload(file) {
    const form = new FormData();
    form.append('file', file, file.name || 'picture');
    const url = beneath(
      this.#folder, `sessions/${encodeURIComponent(this.#session.sessionId)}/files`,
    );
    const headers = headersFor(this.#session.token, false);
    try {
      return await answered(
        (signal) => fetch(url, { method: 'POST', headers, body: form, signal }), UPLOAD_LIMIT_MS,
      );
    } catch (problem) {
      if (problem.code === 'unreachable') throw problem;
      throw new Problem('upload-refused', { detail: problem.detail, final: problem.final });
    }
  }
}

function headersFor(token, json) {
  return {
    ...(json ? { 'Content-Type': 'application/json' } : {}),
    ...(token ? { Authorization: `Bearer ${token}` } : {}),
  };
}

/** Collects trickled candidates; sends them every 200 ms, but not before the answer came. */
export class CandidateBatch {
  #waiting = [];
  #deliver = null;
  #timer = null;

  add({ candidate, sdpMid, sdpMLineIndex }) {
    if (!candidate) return;
    this.#waiting.push({ candidate, sdp_mid: sdpMid, sdp_mline_index: sdpMLineIndex });
    this.#arm();
  }

  /** `deliver(candidates)` is known once the answer named the pc_id. */
  open(deliver) {
    this.#deliver = deliver;
    this.#arm();
  }

  close() {
    clearTimeout(this.#timer);
    this.#deliver = null;
    this.#waiting = [];
  }

  #arm() {
    if (this.#deliver === null || this.#timer !== null || this.#waiting.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#deliver?.(this.#waiting.splice(0));
    }, BATCH_MS);
  }
}
