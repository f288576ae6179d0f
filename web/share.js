/** The link into this room: handed to the phone's share sheet, or copied. */

import { write } from './elements.js';

const THANKS_MS = 2_500;

export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text);
  }
}

/** True when the phone's share sheet has taken it, or the person closed that; false where there is none. */
export async function handed(data) {
  if (!navigator.share || !window.matchMedia('(pointer: coarse)').matches) return false;
  try {
    await navigator.share(data);
    return true;
  } catch (error) {
    // Anything else than their change of mind, such as too long a time since the tap.
    return error.name === 'AbortError';
  }
}

/** Pages without https have no clipboard object; the old way still works there. */
function copiedBySelection(text) {
  const field = Object.assign(document.createElement('textarea'), { value: text, readOnly: true });
  field.className = 'hidden';
  document.body.append(field);
  field.select();
  const worked = document.execCommand('copy');
  field.remove();
  return worked;
}

/** `link()` gives the address of the room, or null outside a room. */
export function setUpShare(button, words, link) {
  let timer = null;
  const say = (text, done) => {
    write(words, text);
    button.dataset.copied = done;
  };
  button.addEventListener('click', async () => {
    const url = link();
    if (url === null) return;
    if (await handed({ title: 'Easel', url })) return;
    say((await copied(url)) ? 'Copied' : url, true);
    clearTimeout(timer);
    timer = setTimeout(() => say('Copy link', false), THANKS_MS);
  });
}
