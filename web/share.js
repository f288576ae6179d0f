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
    const isPhone = window.matchMedia('(pointer: coarse)').matches;
    if (isPhone && navigator.share) {
      await navigator.share({ title: 'Easel', url }).catch(() => {});
      return;
    }
    say((await copied(url)) ? 'Copied' : url, true);
    clearTimeout(timer);
    timer = setTimeout(() => say('Copy link', false), THANKS_MS);
  });
}
