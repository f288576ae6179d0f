/** Waiting that ends: with a result, with a Problem, or because the call was ended. */

import { isOnThisMachine } from './addresses.js';

const ended = () => new DOMException('the call was ended', 'AbortError');

/** Waits `ms`, or rejects as soon as `signal` aborts. `early` is a target whose 'wake' ends the wait. */
export function pause(ms, signal, early = null) {
  return new Promise((resolve, reject) => {
    const tidy = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      early?.removeEventListener('wake', go);
    };
    const stop = () => {
      tidy();
      reject(ended());
    };
    const go = () => {
      tidy();
      resolve();
    };
    const timer = setTimeout(go, ms);
    early?.addEventListener('wake', go);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** `promise`, or `problem` after `ms`, or an abort. */
export async function within(promise, ms, problem, signal) {
  const timer = new AbortController();
  const either = AbortSignal.any([timer.signal, signal]);
  const late = pause(ms, either).then(() => { throw problem; });
  try {
    return await Promise.race([promise, late]);
  } finally {
    late.catch(() => {});
    timer.abort();
  }
}

/**
 * An attempt without a network would only be used up: waits for it, within a limit. A service at
 * `url` that runs on this machine needs none.
 */
export async function online(url, limitMs, problem, signal) {
  if (navigator.onLine !== false || isOnThisMachine(url)) return;
  const back = new Promise((resolve) => {
    window.addEventListener('online', resolve, { once: true, signal });
  });
  await within(back, limitMs, problem, signal);
}
