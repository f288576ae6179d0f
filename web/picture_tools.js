/** What one can do with the picture on the easel: undo, redo, name, share, delete, cancel, take it along. */

import { byId, write } from './elements.js';
import { find, isInTheMaking } from './image_history.js';
import { copied, handed } from './share.js';

const EXTENSION = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/webp': 'webp' };
const THANKS_MS = 2_500;
const NOT_WRITTEN = new Set(['range', 'checkbox', 'file']);

function downloadName(image) {
  const words = (image.name || image.prompt).toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 40);
  const name = words.replace(/^-|-$/g, '') || image.id.slice(0, 12);
  return `easel-${name}.${EXTENSION[image.mimeType] ?? 'png'}`;
}

/** Keys belong to whoever writes; nobody writes into a slider. */
function isWriting() {
  const element = document.activeElement;
  const isField = element instanceof HTMLInputElement && !NOT_WRITTEN.has(element.type);
  return isField || element instanceof HTMLTextAreaElement;
}

/** The letter of a key, also where another alphabet is on it. */
function letterOf({ key, code }) {
  return (/^[a-z]$/i.test(key) ? key : code.replace(/^Key/, '')).toLowerCase();
}

export class PictureTools {
  #undo = byId('undo');
  #redo = byId('redo');
  #more = byId('more');
  #name = byId('picture-name');
  #share = byId('share-picture');
  #delete = byId('delete-picture');
  #cancel = byId('cancel-image');
  #address;
  #command;
  #link;
  #image = undefined;
  #asksAgain = false;

  /** `command(kind, data)` tells the service, `link(imageId)` makes a link, `exported()` is the address of the story. */
  constructor({ address, command, link, exported }) {
    this.#address = address;
    this.#command = command;
    this.#link = link;
    this.#undo.addEventListener('click', () => command('image-undo'));
    this.#redo.addEventListener('click', () => command('image-redo'));
    this.#cancel.addEventListener('click', () => this.#image && command('image-cancel', { image_id: this.#image.id }));
    this.#share.addEventListener('click', () => this.#sharePicture());
    this.#delete.addEventListener('click', () => this.#deletePicture());
    byId('name-form').addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#image) command('image-name', { image_id: this.#image.id, name: this.#name.value.trim() });
      this.#closeMenu();
    });
    this.#more.addEventListener('toggle', () => {
      if (!this.#more.open) this.#askAgain(false); // it is told late: somebody may have pressed already
      for (const kind of ['html', 'zip']) byId(`export-${kind}`).href = exported(kind) ?? '';
    });
    document.addEventListener('keydown', (event) => this.#key(event));
  }

  render(images, connected) {
    const image = images.shownId === null ? undefined : find(images, images.shownId);
    const isReady = image?.state === 'ready';
    this.#undo.disabled = !connected || !images.canUndo;
    this.#redo.disabled = !connected || !images.canRedo;
    this.#cancel.hidden = image === undefined || !isInTheMaking(image);
    for (const button of [this.#share, this.#delete, byId('name-save')]) button.disabled = !connected || !isReady;
    if (image?.id !== this.#image?.id || image?.name !== this.#image?.name) this.#name.value = image?.name ?? '';
    if (image?.id !== this.#image?.id) this.#askAgain(false);
    this.#image = image;
    const link = byId('download');
    link.hidden = !isReady || image.url === null;
    if (link.hidden) return;
    link.href = this.#address(image.url);
    link.download = downloadName(image);
  }

  #key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || isWriting()) return;
    const letter = letterOf(event);
    if (letter !== 'z' && !(letter === 'y' && event.ctrlKey)) return;
    const button = event.shiftKey || letter === 'y' ? this.#redo : this.#undo;
    event.preventDefault();
    if (!button.disabled) button.click();
  }

  async #sharePicture() {
    const words = byId('share-picture-words');
    const { id, name } = this.#image;
    let text = 'No link could be made';
    try {
      const { url } = await this.#link(id);
      const address = this.#address(url);
      if (await handed({ title: name || 'A picture made with Easel', url: address })) return;
      text = (await copied(address)) ? 'Link copied' : address;
    } catch {
      // The words say so.
    }
    write(words, text);
    setTimeout(() => write(words, 'Copy a link to it'), THANKS_MS);
  }

  /** Gone is gone: the second press does it. */
  #deletePicture() {
    if (!this.#asksAgain) {
      this.#askAgain(true);
      return;
    }
    this.#command('image-delete', { image_id: this.#image.id });
    this.#closeMenu();
  }

  #closeMenu() {
    this.#more.open = false;
    this.#more.querySelector('summary').focus({ preventScroll: true });
  }

  #askAgain(asks) {
    this.#asksAgain = asks;
    write(byId('delete-words'), asks ? 'Delete it for everybody?' : 'Delete');
  }
}
