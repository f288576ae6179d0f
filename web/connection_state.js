/**
 * The life of a call: every state, every event, one table. Pure.
 *
 * An event that the table does not name in a state throws and changes nothing, so a late callback
 * of a connection that was replaced can never bring a call back to life.
 */

export const State = Object.freeze({
  IDLE: 'idle',
  CONNECTING: 'connecting',
  CONNECTED: 'connected',
  RECONNECTING: 'reconnecting',
  CLOSED: 'closed',
  FAILED: 'failed',
});

export const TRANSITIONS = Object.freeze({
  [State.IDLE]: { join: State.CONNECTING },
  [State.CONNECTING]: { ready: State.CONNECTED, give_up: State.FAILED, end: State.CLOSED },
  [State.CONNECTED]: { lose: State.RECONNECTING, give_up: State.FAILED, end: State.CLOSED },
  [State.RECONNECTING]: { ready: State.CONNECTED, give_up: State.FAILED, end: State.CLOSED },
  [State.CLOSED]: { join: State.CONNECTING },
  [State.FAILED]: { join: State.CONNECTING, end: State.CLOSED },
});

/** The state after `event`; throws RangeError when the table has no such arrow. */
export function next(state, event) {
  const arrows = TRANSITIONS[state];
  if (arrows === undefined || !Object.hasOwn(arrows, event)) {
    throw new RangeError(`no arrow "${event}" from state "${state}"`);
  }
  return arrows[event];
}

/** True while a call holds, or is about to hold, a connection. */
export function isUnderWay(state) {
  return state === State.CONNECTING || state === State.CONNECTED || state === State.RECONNECTING;
}
