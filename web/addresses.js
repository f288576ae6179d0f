/** Addresses: of the service beneath the page's own folder, of a shared room. Pure. */

/** The folder the page was served from, so that a proxy's path prefix is kept. */
export function folderOf(pageUrl) {
  const url = new URL('.', pageUrl);
  url.search = '';
  url.hash = '';
  return url.href;
}

/** A service path ("/sessions/…" or "start") beneath `folder`, unless it names the folder itself. */
export function beneath(folder, path) {
  const prefix = new URL(folder).pathname;
  if (prefix !== '/' && path.startsWith(prefix)) return new URL(path, folder).href;
  // With "./" before it, what looks like another scheme is a path like any other.
  return new URL(`./${path.replace(/^\/+/, '')}`, folder).href;
}

/** Whether both addresses lead to the same bytes: only what they are signed with may differ. */
export function isSamePicture(one, other) {
  const unsigned = (address) => address?.replace(/([?&])token=[^&]*/, '$1');
  return unsigned(one) === unsigned(other);
}

/** Whether the service runs on the browser's own machine: it is reached without any network. */
export function isOnThisMachine(url) {
  const { hostname } = new URL(url);
  return /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

/**
 * What the page's address asks for: {sessionId, token, room}, each null when absent. `room` is
 * a JSON object of settings for a new room; `roomBroken` is true when it is not one.
 */
export function invitation(pageUrl) {
  const query = new URL(pageUrl).searchParams;
  const { room, roomBroken } = roomSettings(query.get('room'));
  return { sessionId: query.get('session') || null, token: query.get('token') || null, room, roomBroken };
}

function roomSettings(text) {
  if (!text) return { room: null, roomBroken: false };
  try {
    const room = JSON.parse(text);
    const isObject = typeof room === 'object' && room !== null && !Array.isArray(room);
    return isObject ? { room, roomBroken: false } : { room: null, roomBroken: true };
  } catch {
    return { room: null, roomBroken: true };
  }
}

/** The link that brings somebody else into this room. */
export function shareLink(folder, { sessionId, token }) {
  const url = new URL(folder);
  url.searchParams.set('session', sessionId);
  if (token) url.searchParams.set('token', token);
  return url.href;
}
