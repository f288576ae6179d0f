/** The conversation as a script. Only items that changed are written again. */

import { make, setData, write } from './elements.js';
import { Rank } from './transcript.js';

const WHO = { user: 'You', model: 'Easel', peer: 'Guest', note: '' };
const IMAGE_WORDS = {
  started: 'Painting', preview: 'Painting', failed: 'No picture', cancelled: 'Called off', ready: '',
};
const IDEAS = ['Draw a house', 'Change the wall to blue', 'What do you see?'];
const NEAR_BOTTOM_PX = 60;

export class TranscriptView {
  #list;
  #newest;
  #announcer;
  #onShow;
  #empty;
  #rows = new Map();
  #drawn = { items: null, images: null };
  #images = new Map();
  #groups = new Map();
  #announced = new Set();
  #follows = true;
  #top = 0;

  /** `onShow(imageId)` puts an image on the easel; `onIdea(words)` says a suggestion. */
  constructor({ list, newest, announcer, onShow, onIdea }) {
    this.#list = list;
    this.#newest = newest;
    this.#announcer = announcer;
    this.#onShow = onShow;
    this.#empty = this.#suggestions(onIdea);
    list.addEventListener('scroll', () => this.#scrolled());
    newest.addEventListener('click', () => this.toBottom());
    new ResizeObserver(() => this.#stick()).observe(list);
  }

  render(transcript, images) {
    if (transcript.items === this.#drawn.items && images.list === this.#drawn.images) return;
    const hasNews = images.list !== this.#drawn.images;
    if (hasNews) this.#know(images.list);
    this.#drawn = { items: transcript.items, images: images.list };
    this.#forget(transcript.items);
    let before = null;
    for (const item of transcript.items) {
      const known = this.#rows.get(item.key);
      const row = known ?? this.#add(item);
      this.#place(row.element, before);
      before = row.element;
      if (item.role === 'image' && (hasNews || known === undefined)) this.#drawImage(row, this.#images.get(item.text));
      else if (item.role !== 'image' && row.item !== item) this.#draw(row, item);
    }
    this.#renderEmpty(transcript.items.length === 0);
    if (this.#follows) this.#stick();
    else this.#newest.hidden = false;
  }

  #know(list) {
    this.#images = new Map(list.map((image) => [image.id, image]));
    this.#groups = new Map();
    for (const { group } of list) this.#groups.set(group, (this.#groups.get(group) ?? 0) + 1);
  }

  toBottom() {
    this.#follows = true;
    this.#newest.hidden = true;
    this.#stick();
  }

  #stick() {
    if (this.#follows && this.#rows.size > 0) this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** Only a person scrolls upwards; that the text grew is no reason to stop following it. */
  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#list;
    if (scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX) this.#follows = true;
    else if (scrollTop < this.#top) this.#follows = false;
    this.#top = scrollTop;
    if (this.#follows) this.#newest.hidden = true;
  }

  #renderEmpty(isEmpty) {
    if (!isEmpty) this.#empty.remove();
    else if (!this.#empty.isConnected) this.#list.append(this.#empty);
  }

  #suggestions(onIdea) {
    const buttons = IDEAS.map((words) => make('button', {
      type: 'button', textContent: words, onclick: () => onIdea(words),
    }));
    return make('li', { className: 'nothing-said' },
      make('p', { textContent: 'Say it, write it, or begin with' }),
      make('p', { className: 'ideas' }, ...buttons));
  }

  #forget(items) {
    const known = new Set(items.map((item) => item.key));
    const shown = new Set(items.flatMap((item) => item.pictures.map(({ src }) => src)));
    for (const [key, { element, item }] of this.#rows) {
      if (known.has(key)) continue;
      element.remove();
      this.#rows.delete(key);
      for (const { src } of item?.pictures ?? []) if (!shown.has(src)) URL.revokeObjectURL(src);
    }
  }

  #place(element, before) {
    const wanted = before === null ? this.#list.firstElementChild : before.nextElementSibling;
    if (wanted !== element) this.#list.insertBefore(element, wanted);
  }

  #add(item) {
    const element = make('li');
    const row = { element, item: null, image: null };
    this.#rows.set(item.key, row);
    if (item.role === 'image') {
      // The shelf leads to every image by keyboard; a second tab stop for each would be in the way.
      element.className = 'note';
      element.dataset.testid = 'transcript-image';
      element.append(
        make('p', { className: 'wrote', dir: 'auto', hidden: true }),
        make('button', { type: 'button', className: 'made', tabIndex: -1, data: { imageId: item.text }, onclick: () => this.#onShow(item.text) }),
        make('p', { className: 'wrote', dir: 'auto', hidden: true }),
      );
      return row;
    }
    element.dataset.testid = 'transcript-item';
    element.append(make('p', { className: 'who' }), make('p', { className: 'said', dir: 'auto' }), make('p', { className: 'cut', hidden: true, textContent: '— interrupted' }));
    if (item.pictures.length > 0) {
      element.append(make('p', { className: 'sent' }, ...item.pictures.map((one) => make('img', { src: one.src, alt: one.name }))));
    }
    return row;
  }

  #draw(row, item) {
    row.item = item;
    const [who, said, cut] = row.element.children;
    setData(row.element, 'role', item.role);
    setData(row.element, 'final', item.final);
    setData(row.element, 'interrupted', item.interrupted);
    write(who, item.name ?? WHO[item.role]);
    write(said, item.text.trim());
    cut.hidden = !item.interrupted;
    if (item.final && !item.past && item.rank !== Rank.TYPED) this.#announce(item.key, `${who.textContent}: ${item.text}`);
  }

  #drawImage(row, image) {
    if (image === undefined) return;
    // With one picture the words say what is seen; with several they are what it is about.
    const isSeries = image.variants < 2 && this.#groups.get(image.group) > 1;
    if (row.image === image && row.isSeries === isSeries) return;
    row.isSeries = isSeries;
    const isNews = row.image !== null && row.image.state !== image.state;
    row.image = image;
    const [wrote, button, wroteAfter] = row.element.children;
    this.#drawWords(wrote, isSeries ? image.text : '');
    this.#drawWords(wroteAfter, isSeries ? image.textAfter : '');
    const word = IMAGE_WORDS[image.state];
    const about = image.name || image.prompt;
    const words = image.state === 'failed' ? image.reason ?? about : about;
    button.replaceChildren();
    if (image.thumbnail) button.append(make('img', { src: image.thumbnail, alt: '' }));
    button.append(make('span', { dir: 'auto', textContent: [word, words].filter(Boolean).join(': ') || 'A picture' }));
    setData(row.element, 'state', image.state);
    // What was done before this page came is no news.
    if (!isNews || image.state === 'started' || image.state === 'preview') return;
    const outcome = image.state === 'ready' ? 'The picture is ready' : word;
    this.#announce(`${image.id}:${image.state}`, `${outcome}: ${words}`);
  }

  /** What the image model wrote around its picture. */
  #drawWords(element, words) {
    write(element, words.trim());
    element.hidden = words.trim() === '';
  }

  /** Screen readers hear whole sentences, once, and not every fragment. */
  #announce(key, words) {
    if (this.#announced.has(key)) return;
    this.#announced.add(key);
    this.#announcer.append(make('p', { textContent: words }));
    while (this.#announcer.children.length > 10) this.#announcer.firstElementChild.remove();
  }
}
