/**
 * How long a place in a room is worth coming back to, and when the page tries. Pure.
 *
 * The service keeps a room without peers, and the place of a peer that is away, for a grace time.
 */

/** As the service's own, unless its operator chose another. */
export const GRACE_MS = 60_000;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;

/** Tries of a first join, which nobody waits a minute for. */
const JOIN_TRIES = 3;

/**
 * The pause before the next try, after `tries` that failed (1 or more). `random` is in 0…1: a whole
 * room that lost its service does not come back in the same moment.
 */
export function pauseMs(tries, random) {
  const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries);
  return Math.round(most * (0.5 + random / 2));
}

/**
 * Whether a try that failed is followed by another. `lostAt` is when the connection was lost, in ms,
 * or null while it is a first join.
 */
export function mayTryAgain(tries, lostAt, now) {
  return lostAt === null ? tries < JOIN_TRIES : now - lostAt < GRACE_MS;
}

/**
 * Whether a page that was loaded goes back into `place` by itself: somebody was there a moment ago.
 * Later they are asked, for a microphone that opens by itself the next day is no service.
 */
export function comesBackByItself(place, now) {
  if (place === null || place.peer === null) return false;
  return now - place.seenAt >= 0 && now - place.seenAt < GRACE_MS;
}
