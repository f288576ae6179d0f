/**
 * The pictures so far as a tree that grows to the right: time runs from left to right, an edit of an
 * older picture branches off downwards. One tab stop; arrow keys walk along the lines. Only what is in sight
 * is in the document, however many there are.
 */

import { make, setData } from './elements.js';
import { layout, neighbour } from './tree_layout.js';

const WORD = { started: 'painting', preview: 'painting', failed: 'failed', cancelled: 'called off' };
const BEYOND = 4; // columns outside of what is seen
const SVG = 'http://www.w3.org/2000/svg';

const wordOf = (image) => (image.queued ? 'waiting' : WORD[image.state] ?? '');
const whatOf = (image) => image.name || image.prompt || 'no description';

function labelOf(image, index, isCurrent) {
  const about = [`Picture ${index + 1}`, wordOf(image), isCurrent && 'current'].filter(Boolean);
  return `${about.join(', ')}: ${whatOf(image)}`;
}

export class HistoryTree {
  #shelf;
  #list;
  #links;
  #onShow;
  #address;
  #drawn = { list: null, shownId: null, currentId: null };
  #layout = layout([]);
  #buttons = new Map();
  #focusId = null;

  /** `onShow(id)` when one is chosen; `address(path)` makes a service path absolute. */
  constructor(shelf, list, { onShow, address }) {
    this.#shelf = shelf;
    this.#list = list;
    this.#onShow = onShow;
    this.#address = address;
    this.#links = document.createElementNS(SVG, 'svg');
    this.#links.setAttribute('aria-hidden', 'true');
    this.#links.classList.add('links');
    this.#links.append(document.createElementNS(SVG, 'path'));
    list.append(make('li', { role: 'presentation', className: 'extent' }, this.#links));
    list.addEventListener('keydown', (event) => this.#walk(event));
    list.addEventListener('scroll', () => this.#window(), { passive: true });
    new ResizeObserver(() => {
      this.#reveal(this.#drawn.shownId);
      this.#window();
    }).observe(list);
  }

  render({ list, shownId, currentId }) {
    const drawn = this.#drawn;
    if (list === drawn.list && shownId === drawn.shownId && currentId === drawn.currentId) return;
    this.#drawn = { list, shownId, currentId };
    if (list !== drawn.list) {
      this.#shelf.hidden = list.length === 0;
      this.#layout = layout(list);
      this.#list.style.setProperty('--columns', this.#layout.columns);
      this.#list.style.setProperty('--rows', this.#layout.rows);
      setData(this.#list, 'branched', this.#layout.rows > 1);
    }
    if (shownId !== drawn.shownId) {
      this.#focusId = shownId;
      this.#reveal(shownId);
    }
    if (!this.#layout.places.has(this.#focusId)) this.#focusId = shownId ?? list.at(-1)?.id ?? null;
    this.#window();
  }

  /** The width and height of one cell, as the style sheet has it. */
  get #cell() {
    const style = getComputedStyle(this.#list);
    return { wide: parseFloat(style.getPropertyValue('--cell-px')) || 78, tall: parseFloat(style.getPropertyValue('--row-px')) || 64 };
  }

  /** Draws what can be seen. */
  #window() {
    const { list } = this.#drawn;
    if (list === null) return;
    const { wide } = this.#cell;
    const from = Math.max(0, Math.floor(this.#list.scrollLeft / wide) - BEYOND);
    const to = Math.min(list.length, Math.ceil((this.#list.scrollLeft + this.#list.clientWidth) / wide) + BEYOND);
    const inSight = new Set();
    for (let at = from; at < to; at += 1) inSight.add(list[at].id);
    if (this.#focusId !== null) inSight.add(this.#focusId);
    for (const [id, entry] of this.#buttons) {
      if (inSight.has(id) && this.#layout.places.has(id)) continue;
      entry.item.remove();
      this.#buttons.delete(id);
    }
    list.forEach((image, index) => inSight.has(image.id) && this.#place(image, index));
    this.#drawLinks(from, to);
  }

  #place(image, index) {
    const { column, row } = this.#layout.places.get(image.id);
    const entry = this.#buttons.get(image.id) ?? this.#add(image.id, column);
    if (entry.column !== column || entry.row !== row) {
      Object.assign(entry, { column, row });
      entry.item.style.setProperty('--column', column);
      entry.item.style.setProperty('--row', row);
    }
    if (entry.image !== image || entry.index !== index) this.#draw(entry, image, index);
    const isShown = image.id === this.#drawn.shownId;
    const isCurrent = image.id === this.#drawn.currentId;
    entry.button.ariaLabel = labelOf(image, index, isCurrent);
    entry.item.setAttribute('aria-posinset', index + 1);
    entry.item.setAttribute('aria-setsize', this.#drawn.list.length);
    entry.button.setAttribute('aria-current', String(isShown));
    setData(entry.button, 'current', isCurrent);
    entry.button.tabIndex = image.id === this.#focusId ? 0 : -1;
  }

  /** Where it stands in the document is its place in the order, for who hears the list read. */
  #add(id, column) {
    const button = make('button', {
      type: 'button', onclick: () => this.#onShow(id), data: { imageId: id },
      onfocus: () => { this.#focusId = id; },
    });
    const entry = { item: make('li', { className: 'node' }, button), button, image: null };
    this.#buttons.set(id, entry);
    const after = [...this.#list.children].find((other) => Number(other.style.getPropertyValue('--column') || -1) > column);
    this.#list.insertBefore(entry.item, after ?? null);
    return entry;
  }

  #draw(entry, image, index) {
    Object.assign(entry, { image, index });
    const { button } = entry;
    setData(button, 'state', image.state);
    const word = wordOf(image);
    button.title = whatOf(image);
    button.replaceChildren();
    const source = image.thumbnail ?? this.#small(image);
    if (source) button.append(make('img', { src: source, alt: '', decoding: 'async', draggable: false }));
    if (word || image.name) button.append(make('span', { className: 'word', textContent: word || image.name }));
  }

  #small(image) {
    return image.state === 'ready' && image.url ? `${this.#address(image.url)}&size=thumbnail` : null;
  }

  #drawLinks(from, to) {
    const { wide, tall } = this.#cell;
    const middle = ({ column, row }) => [(column + 0.5) * wide, (row + 0.5) * tall];
    const curves = [];
    for (const { from: parent, to: child } of this.#layout.links) {
      const start = this.#layout.places.get(parent);
      const end = this.#layout.places.get(child);
      if (end.column < from - 1 || start.column > to) continue;
      const [x0, y0] = middle(start);
      const [x1, y1] = middle(end);
      const bend = Math.min(wide * 0.6, (x1 - x0) / 2);
      curves.push(start.row === end.row ? `M${x0} ${y0}H${x1}` : `M${x0} ${y0}C${x0 + bend} ${y0} ${x0 + bend * 0.4} ${y1} ${x0 + wide * 0.8} ${y1}H${x1}`);
    }
    this.#links.firstElementChild.setAttribute('d', curves.join(''));
  }

  /** Scrolls the shelf only: the page itself must not jump. */
  #reveal(id) {
    const place = this.#layout.places.get(id);
    if (place === undefined) return;
    const { wide, tall } = this.#cell;
    const left = place.column * wide;
    const top = place.row * tall;
    const { scrollLeft, clientWidth, scrollTop, clientHeight } = this.#list;
    if (left < scrollLeft) this.#list.scrollLeft = left - wide / 2;
    else if (left + wide * 1.5 > scrollLeft + clientWidth) this.#list.scrollLeft = left + wide * 2 - clientWidth;
    if (top < scrollTop || top + tall > scrollTop + clientHeight) this.#list.scrollTop = top - (clientHeight - tall) / 2;
  }

  #walk(event) {
    const id = document.activeElement?.dataset?.imageId;
    if (id === undefined || this.#drawn.list === null) return;
    const to = neighbour(this.#drawn.list, this.#layout, id, event.key);
    if (to === null) return;
    event.preventDefault();
    this.#focusId = to;
    this.#reveal(to);
    this.#window();
    this.#buttons.get(to).button.focus({ preventScroll: true });
  }
}

