/** The variants of one wish side by side, to choose from. */

import { make, setData } from './elements.js';
import { find, variantsOf } from './image_history.js';

export class VariantsBar {
  #bar;
  #onChoose;
  #drawn = null;

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
    const focused = this.#bar.contains(document.activeElement) ? document.activeElement.dataset.imageId : null;
    this.#bar.replaceChildren(...variants.map((image) => this.#button(image, images.currentId)));
    if (focused) this.#bar.querySelector(`[data-image-id="${CSS.escape(focused)}"]`)?.focus();
  }

  #button(image, currentId) {
    const button = make('button', {
      type: 'button', onclick: () => this.#onChoose(image.id), disabled: image.state !== 'ready',
      data: { imageId: image.id, state: image.state }, aria: { pressed: image.id === currentId, label: `Variant ${image.variant}` },
    });
    if (image.thumbnail) button.append(make('img', { src: image.thumbnail, alt: '', draggable: false }));
    button.append(make('span', { textContent: image.state === 'failed' ? '×' : String(image.variant) }));
    setData(button, 'current', image.id === currentId);
    return button;
  }
}
