/** The pictures so far, oldest first, as one row of buttons with a roving tab stop. */

import { make, setData } from './elements.js';

const WORD = { started: 'painting', preview: 'painting', failed: 'failed', cancelled: 'called off' };
const STEP = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

export class HistoryStrip {
  #shelf;
  #list;
  #onShow;
  #address;
  #drawn = { list: null, shownId: null };
  #buttons = new Map();

  constructor(shelf, list, { onShow, address }) {
    this.#shelf = shelf;
    this.#list = list;
    this.#onShow = onShow;
    this.#address = address;
    list.addEventListener('keydown', (event) => this.#walk(event));
  }

  render({ list, shownId }) {
    if (list === this.#drawn.list && shownId === this.#drawn.shownId) return;
    if (list !== this.#drawn.list) this.#renderList(list);
    this.#drawn = { list, shownId };
    for (const [id, { button }] of this.#buttons) {
      const isShown = id === shownId;
      button.setAttribute('aria-current', String(isShown));
      button.tabIndex = isShown ? 0 : -1;
      if (isShown) this.#reveal(button);
    }
  }

  #renderList(list) {
    this.#shelf.hidden = list.length === 0;
    const known = new Set(list.map((image) => image.id));
    for (const [id, { item }] of this.#buttons) {
      if (known.has(id)) continue;
      item.remove();
      this.#buttons.delete(id);
    }
    list.forEach((image, index) => {
      const entry = this.#buttons.get(image.id) ?? this.#add(image.id);
      if (entry.image !== image) this.#draw(entry, image, index);
    });
  }

  #add(id) {
    const button = make('button', { type: 'button', onclick: () => this.#onShow(id) });
    const item = make('li', {}, button);
    const entry = { item, button, image: null };
    this.#buttons.set(id, entry);
    this.#list.append(item);
    return entry;
  }

  #draw(entry, image, index) {
    entry.image = image;
    const { button } = entry;
    setData(button, 'imageId', image.id);
    setData(button, 'state', image.state);
    const word = WORD[image.state] ?? '';
    button.ariaLabel = `Picture ${index + 1}${word ? `, ${word}` : ''}: ${image.prompt || 'no description'}`;
    button.replaceChildren();
    const source = image.thumbnail ?? (image.state === 'ready' && image.url ? this.#address(image.url) : null);
    if (source) button.append(make('img', { src: source, alt: '', decoding: 'async', loading: 'lazy' }));
    if (word) button.append(make('span', { className: 'word', textContent: word }));
  }

  /** Scrolls the row only: the page itself must not jump. */
  #reveal(button) {
    const { left, right } = button.getBoundingClientRect();
    const row = this.#list.getBoundingClientRect();
    const beyond = left < row.left ? left - row.left - 24 : right > row.right ? right - row.right + 24 : 0;
    if (beyond !== 0) this.#list.scrollLeft += beyond;
  }

  #walk(event) {
    const items = [...this.#list.querySelectorAll('button')];
    const at = items.indexOf(document.activeElement);
    if (at < 0) return;
    const ends = { Home: 0, End: items.length - 1 };
    const to = Object.hasOwn(STEP, event.key) ? at + STEP[event.key] : ends[event.key];
    if (to === undefined || items[to] === undefined) return;
    event.preventDefault();
    items[to].focus();
    this.#onShow(items[to].dataset.imageId);
  }
}
