/** The picture on the easel and what is being made of it. */

import { isSamePicture } from './addresses.js';
import { byId, setData, write } from './elements.js';
import { beneath, find, isInTheMaking, isLarge } from './image_history.js';

const MAKING = { failed: 'No picture this time', cancelled: 'The picture was called off' };

const ratioOf = (image) => (image?.width && image?.height ? image.width / image.height : null);

function titleOf(image) {
  if (!image.queued) return MAKING[image.state] ?? 'Easel is painting';
  if (image.position > 1) return `${image.position - 1} before this one`;
  return 'Next to be painted';
}

export class Stage {
  #picture = byId('stage-image');
  #under = byId('stage-beneath');
  #canvas = byId('canvas');
  #making = byId('making');
  #address;
  #onShow;
  #onUnloadable;
  #onLoaded;
  #drawn = null;
  #back = null;
  #ratio = 4 / 3;
  #lent = null;
  #loads = 0;
  #loaded = 0;

  /**
   * `address(path)` makes a service path absolute; `onShow(id)` shows another image; `onUnloadable(image)`: it
   * is loaded again as soon as it has another address, or by `retry`; `onLoaded()`: one is there.
   */
  constructor({ address, onShow, onUnloadable, onLoaded }) {
    this.#address = address;
    this.#onShow = onShow;
    this.#onUnloadable = onUnloadable;
    this.#onLoaded = onLoaded;
    byId('making-back').addEventListener('click', () => this.#onShow(this.#back));
  }

  /** The picture that could not be loaded, once more; nothing if there is none. */
  retry(images) {
    if (this.#picture.dataset.state === 'unloadable') this.render(images, true);
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
    this.#shape((image.state === 'preview' ? ratioOf(parent) : null) ?? ratioOf(image) ?? ratioOf(parent));
    this.#paint(image, parent, again);
    this.#tell(image, parent);
  }

  #clear() {
    this.#loads += 1;
    setData(this.#canvas, 'shows', 'nothing');
    this.#picture.removeAttribute('src');
    Object.assign(this.#picture.dataset, { imageId: '', state: 'empty' });
    this.#picture.alt = '';
    this.#under.hidden = true;
    this.#making.hidden = true;
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

  #layUnder(source, dimmed) {
    this.#under.hidden = source === null;
    setData(this.#under, 'dimmed', dimmed);
    if (source !== null && !isSamePicture(this.#under.getAttribute('src') ?? '', source)) this.#under.src = source;
  }

  #sourceOf(image) {
    if (image.state === 'failed' || image.state === 'cancelled' || image.url === null) return null;
    const url = this.#address(image.url);
    return image.state === 'ready' && isLarge(image) ? `${url}&size=screen` : url;
  }

  #paint(image, parent, again) {
    const picture = this.#picture;
    const source = this.#sourceOf(image) ?? (isInTheMaking(image) ? image.thumbnail : null);
    const isOther = picture.dataset.imageId !== image.id;
    const wasReady = picture.dataset.state === 'ready';
    picture.dataset.imageId = image.id;
    picture.alt = image.name || image.prompt || 'Picture without a description';
    if (source !== null && isSamePicture(picture.getAttribute('src') ?? '', source) && !again) {
      picture.dataset.state = image.state;
      return;
    }
    this.#loads += 1;
    // What stood there goes on standing beneath, so that nothing flashes while the next one loads.
    if (isOther) this.#standIn(image, parent, wasReady);
    if (isOther || source === null) picture.removeAttribute('src');
    if (source === null) {
      picture.dataset.state = image.state;
      return;
    }
    picture.dataset.state = image.state === 'ready' ? 'loading' : image.state;
    this.#load(source, image, this.#loads);
  }

  #standIn(image, parent, wasReady) {
    if (image.state === 'ready') {
      this.#layUnder(image.thumbnail, false);
      return;
    }
    if (parent === undefined) this.#layUnder(null, true);
    else this.#layUnder(this.#sourceOf(parent) ?? parent.thumbnail, wasReady || parent !== undefined);
  }

  async #load(source, image, load) {
    const loader = new Image();
    loader.src = source;
    try {
      await loader.decode();
    } catch {
      if (load === this.#loads && this.#drawn?.state === 'ready') this.#broken(image);
      return;
    }
    // Of drafts that come faster than they load, an older one is better than none.
    const isLast = load === this.#loads;
    const isDraft = image.state === 'preview' && image.id === this.#drawn?.id && load > this.#loaded;
    if (!isLast && !isDraft) return;
    this.#loaded = load;
    this.#picture.src = source;
    if (!isLast) return;
    this.#picture.dataset.state = image.state;
    this.#onLoaded();
    if (image.state !== 'preview') this.#under.hidden = true;
    if (image.width === null) this.#shape(loader.naturalWidth / loader.naturalHeight);
  }

  #broken(image) {
    this.#picture.dataset.state = 'unloadable';
    this.#onUnloadable(image);
  }

  #tell(image, parent) {
    this.#making.hidden = image.state === 'ready';
    setData(this.#making, 'state', image.queued ? 'queued' : image.state);
    write(byId('making-title'), titleOf(image));
    const over = image.state === 'failed' || image.state === 'cancelled';
    write(byId('making-words'), over ? image.reason ?? '' : image.prompt);
    this.#back = parent?.id ?? null;
    byId('making-back').hidden = !over || parent === undefined;
    const words = image.name ? `${image.name} · ${image.prompt}` : image.prompt;
    write(byId('prompt'), words);
    byId('prompt').title = words;
  }
}
