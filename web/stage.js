/** The picture on the easel, what is being made of it, and whose voice is heard. */

import { byId, setData, write } from './elements.js';
import { beneath, find, isInTheMaking } from './image_history.js';

const MAKING = {
  started: 'Easel is painting', preview: 'Easel is painting',
  failed: 'No picture this time', cancelled: 'The picture was called off',
};
const EXTENSION = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/webp': 'webp' };

const ratioOf = (image) => (image?.width && image?.height ? image.width / image.height : null);

function downloadName(image) {
  const words = image.prompt.toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 40);
  const name = words.replace(/^-|-$/g, '') || image.id.slice(0, 12);
  return `easel-${name}.${EXTENSION[image.mimeType] ?? 'png'}`;
}

export class Stage {
  #picture = byId('stage-image');
  #under = byId('stage-beneath');
  #canvas = byId('canvas');
  #making = byId('making');
  #address;
  #onShow;
  #onUnloadable;
  #drawn = null;
  #back = null;
  #ratio = 4 / 3;
  #lent = null;

  /** `address(path)` makes a service path absolute; `onShow(id)` shows another image. */
  constructor({ address, onShow, onUnloadable }) {
    this.#address = address;
    this.#onShow = onShow;
    this.#onUnloadable = onUnloadable;
    this.#picture.addEventListener('load', () => this.#arrived());
    this.#picture.addEventListener('error', () => this.#broken());
    byId('making-back').addEventListener('click', () => this.#onShow(this.#back));
  }

  /** `again` loads the picture anew even if it is on the easel already. */
  render(images, again = false) {
    const image = images.shownId === null ? undefined : find(images, images.shownId);
    if (image === this.#drawn && !again) return;
    this.#drawn = image ?? null;
    if (image === undefined) {
      this.#clear();
      return;
    }
    const parent = image.state === 'ready' ? undefined : beneath(images, image);
    setData(this.#canvas, 'shows', 'image');
    this.#shape(ratioOf(image) ?? ratioOf(parent));
    this.#layUnder(parent);
    this.#paint(image, again);
    this.#tell(image, parent);
  }

  #clear() {
    setData(this.#canvas, 'shows', 'nothing');
    this.#picture.removeAttribute('src');
    Object.assign(this.#picture.dataset, { imageId: '', state: 'empty' });
    this.#picture.alt = '';
    this.#under.hidden = true;
    this.#making.hidden = true;
    byId('download').hidden = true;
    write(byId('prompt'), '');
    this.#shape(null);
  }

  /** Takes the shape of the camera's picture while that stands on the easel. */
  lend(ratio) {
    this.#lent = ratio;
    this.#shape(this.#ratio);
  }

  #shape(ratio) {
    this.#ratio = ratio ?? 4 / 3;
    byId('stage').style.setProperty('--ratio', String(this.#lent ?? this.#ratio));
  }

  #layUnder(parent) {
    this.#under.hidden = parent === undefined;
    if (parent) this.#under.src = parent.url ? this.#address(parent.url) : parent.thumbnail;
  }

  #paint(image, again) {
    const picture = this.#picture;
    const bytes = image.state === 'failed' || image.state === 'cancelled' ? null : image.url;
    const source = bytes ? this.#address(bytes) : isInTheMaking(image) ? image.thumbnail : null;
    const isNew = picture.dataset.imageId !== image.id;
    picture.dataset.imageId = image.id;
    picture.alt = image.prompt || 'Picture without a description';
    if (source === null) {
      picture.removeAttribute('src');
      picture.dataset.state = image.state;
      return;
    }
    const same = picture.getAttribute('src') === source && !again;
    picture.dataset.state = image.state === 'ready' && !same ? 'loading' : image.state;
    // Another image's pixels must not stand in for this one while its bytes are on the way.
    if (isNew && !same) picture.removeAttribute('src');
    if (isNew && image.thumbnail && image.state === 'ready') {
      this.#under.src = image.thumbnail;
      this.#under.hidden = false;
    }
    if (!same) picture.src = source;
  }

  #arrived() {
    const image = this.#drawn;
    if (image === null) return;
    this.#picture.dataset.state = image.state;
    if (image.state === 'ready') this.#under.hidden = true;
    if (image.width === null) this.#shape(this.#picture.naturalWidth / this.#picture.naturalHeight);
  }

  #broken() {
    if (this.#drawn?.state !== 'ready') return;
    this.#picture.dataset.state = 'unloadable';
    this.#onUnloadable();
  }

  #tell(image, parent) {
    this.#making.hidden = image.state === 'ready';
    setData(this.#making, 'state', image.state);
    write(byId('making-title'), MAKING[image.state] ?? '');
    const over = image.state === 'failed' || image.state === 'cancelled';
    write(byId('making-words'), over ? image.reason ?? '' : image.prompt);
    this.#back = parent?.id ?? null;
    byId('making-back').hidden = !over || parent === undefined;
    write(byId('prompt'), image.prompt);
    byId('prompt').title = image.prompt;
    this.#offerDownload(image);
  }

  #offerDownload(image) {
    const link = byId('download');
    link.hidden = image.state !== 'ready' || image.url === null;
    if (link.hidden) return;
    link.href = this.#address(image.url);
    link.download = downloadName(image);
  }
}
