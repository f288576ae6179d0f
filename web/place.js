/**
 * Remembers the room of this tab, so that a reload leads back into the same conversation, and the
 * names that the service gave this person there, so that their words stay theirs.
 */

const KEY = 'easel-room';
const PEERS_KEY = 'easel-peers';
const MOST_PEERS = 100;

export function rememberRoom(session) {
  try {
    if (session === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(session));
  } catch {
    // Storage may be forbidden; a reload then opens a new room.
  }
}

/** {sessionId, token} or null. */
export function rememberedRoom() {
  try {
    const session = JSON.parse(sessionStorage.getItem(KEY));
    return typeof session?.sessionId === 'string' ? session : null;
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
