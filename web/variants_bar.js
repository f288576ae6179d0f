/** The variants of one wish side by side, to choose from. */

import { make, setData, write } from './elements.js';
import { find, isInTheMaking, variantsOf } from './image_history.js';

const WORD = { failed: ', failed', cancelled: ', called off' };

export class VariantsBar {
  #bar;
  #onChoose;
  #drawn = null;
  #buttons = new Map();

  /** `onChoose(id)` makes that one current. */
  constructor(bar, onChoose) {
    this.#bar = bar;
    this.#onChoose = onChoose;
  }

  render(images) {
    const variants = variantsOf(images, find(images, images.shownId));
    const drawn = [images.currentId, ...variants];
    if (this.#drawn !== null && drawn.length === this.#drawn.length && drawn.every((one, at) => one === this.#drawn[at])) return;
    this.#drawn = drawn;
    this.#bar.hidden = variants.length === 0;
    this.#forget(variants);
    variants.forEach((image, at) => {
      // The button stays the same one while its picture comes: a finger may be on it.
      const button = this.#buttons.get(image.id) ?? this.#add(image.id);
      if (this.#bar.children[at] !== button) this.#bar.insertBefore(button, this.#bar.children[at] ?? null);
      this.#draw(button, image, image.id === images.currentId);
    });
  }

  #forget(variants) {
    const ids = new Set(variants.map(({ id }) => id));
    for (const [id, button] of this.#buttons) {
      if (ids.has(id)) continue;
      button.remove();
      this.#buttons.delete(id);
    }
  }

  #add(id) {
    const button = make('button', { type: 'button', onclick: () => this.#onChoose(id), data: { imageId: id } });
    button.append(make('img', { alt: '', draggable: false, hidden: true }), make('span'));
    this.#buttons.set(id, button);
    return button;
  }

  #draw(button, image, isCurrent) {
    const [picture, number] = button.children;
    picture.hidden = image.thumbnail === null;
    if (image.thumbnail && picture.getAttribute('src') !== image.thumbnail) picture.src = image.thumbnail;
    write(number, image.state === 'failed' ? '×' : String(image.variant));
    button.disabled = image.state !== 'ready';
    button.ariaPressed = String(isCurrent);
    button.ariaLabel = `Variant ${image.variant}${isInTheMaking(image) ? ', painting' : WORD[image.state] ?? ''}`;
    setData(button, 'state', image.state);
    setData(button, 'current', isCurrent);
  }
}
