/** Remembers the room of this tab, so that a reload leads back into the same conversation. */

const KEY = 'easel-room';

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
