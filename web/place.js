/**
 * What this tab remembers of its room (in its session storage, never in an address), so that a
 * reload leads back into the same conversation, and the names that the service gave this person
 * there, so that their words stay theirs.
 *
 * A place: {sessionId, token, peer, seenAt, mic, camera}. `peer` is the id to come back under, or
 * null; `seenAt` when the page was last there, in ms; `mic` and `camera` are states of local_media.js.
 */

const KEY = 'easel-room';
const PEERS_KEY = 'easel-peers';
const MOST_PEERS = 100;

export function rememberPlace(place) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(place));
  } catch {
    // Storage may be forbidden; a reload then opens a new room.
  }
}

export function forgetPlace() {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // As above: nothing was remembered.
  }
}

const text = (value) => (typeof value === 'string' ? value : null);

/** The place, or null. */
export function rememberedPlace() {
  try {
    const { sessionId, token, peer, seenAt, mic, camera } = JSON.parse(sessionStorage.getItem(KEY));
    if (typeof sessionId !== 'string') return null;
    return {
      sessionId, token: text(token), peer: text(peer), mic: text(mic), camera: text(camera),
      seenAt: Number.isFinite(seenAt) ? seenAt : 0,
    };
  } catch {
    return null;
  }
}

export function rememberPeer(peerId) {
  const peers = [...ownPeers().filter((known) => known !== peerId), peerId].slice(-MOST_PEERS);
  try {
    sessionStorage.setItem(PEERS_KEY, JSON.stringify(peers));
  } catch {
    // Storage may be forbidden; after a reload one's own words are then a guest's.
  }
}

/** The peer ids that this tab has had, the latest last. */
export function ownPeers() {
  try {
    const peers = JSON.parse(sessionStorage.getItem(PEERS_KEY));
    return Array.isArray(peers) ? peers.filter((peer) => typeof peer === 'string') : [];
  } catch {
    return [];
  }
}
