/** The text box and the pictures waiting beside it: picked, pasted or dropped anywhere. */

import { byId, icon, make } from './elements.js';
import { Problem } from './problems.js';

const KINDS = ['image/jpeg', 'image/png', 'image/webp'];
const MOST_PICTURES = 6;
/** What the service takes as one text. */
const MOST_CHARACTERS = 32_000;
const BYTES_PER_CHARACTER = 3;
/** The envelope around the text, in bytes, with room to spare. */
const ENVELOPE = 1_000;

export class Composer {
  #form = byId('composer');
  #box = byId('text-input');
  #files = byId('files');
  #list = byId('attachments');
  #pictures = [];
  #call;
  #onTyped;
  #onProblem;
  #canSend = false;
  #sending = false;
  #count = 0;

  /** `onTyped({id, text, pictures})` shows the words at once; `onProblem(problem)` says why not. */
  constructor({ call, onTyped, onProblem }) {
    this.#call = call;
    this.#onTyped = onTyped;
    this.#onProblem = onProblem;
    this.#listen();
    this.#acceptDrops();
  }

  /** `connected` decides whether sending is possible; writing always is. */
  set connected(value) {
    this.#canSend = value;
    this.#offerSend();
  }

  /** Sends words that did not come from the box. */
  async say(text) {
    await this.#send(text, []);
  }

  #listen() {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#box.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#box.addEventListener('input', () => this.#offerSend());
    byId('upload').addEventListener('click', () => this.#files.click());
    this.#files.addEventListener('change', () => {
      this.#add([...this.#files.files]);
      this.#files.value = '';
    });
    document.addEventListener('paste', (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length > 0) this.#add(files);
    });
  }

  #acceptDrops() {
    const veil = byId('drop');
    const carriesFiles = (event) => event.dataTransfer?.types.includes('Files') ?? false;
    let depth = 0;
    const lift = (change) => {
      depth = change === 0 ? 0 : Math.max(0, depth + change);
      veil.hidden = depth === 0 || document.documentElement.dataset.phase !== 'room';
    };
    document.addEventListener('dragenter', (event) => carriesFiles(event) && lift(1));
    document.addEventListener('dragleave', (event) => carriesFiles(event) && lift(-1));
    document.addEventListener('dragover', (event) => carriesFiles(event) && event.preventDefault());
    document.addEventListener('drop', (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      lift(0);
      this.#add([...event.dataTransfer.files]);
    });
  }

  #add(files) {
    if (document.documentElement.dataset.phase !== 'room') return;
    const good = files.filter((file) => KINDS.includes(file.type));
    if (good.length < files.length) this.#onProblem(new Problem('upload-kind'));
    const room = MOST_PICTURES - this.#pictures.length;
    if (good.length > room) this.#onProblem(new Problem('upload-many', { detail: MOST_PICTURES }));
    for (const file of good.slice(0, room)) {
      const picture = { file, src: URL.createObjectURL(file), name: file.name || 'picture' };
      this.#pictures.push(picture);
      this.#list.append(this.#tile(picture));
    }
    this.#offerSend();
    this.#box.focus();
  }

  #tile(picture) {
    const remove = () => {
      this.#remove(picture);
      this.#box.focus();
    };
    const broken = () => {
      this.#remove(picture);
      this.#onProblem(new Problem('upload-broken', { detail: picture.name }));
    };
    return make(
      'li', { data: { src: picture.src } },
      make('img', { src: picture.src, alt: picture.name, onerror: broken }),
      make('button', { type: 'button', onclick: remove, aria: { label: `Remove ${picture.name}` } }, icon('close')),
    );
  }

  #remove(picture) {
    this.#takeOut([picture]);
    URL.revokeObjectURL(picture.src);
  }

  /** The pictures leave the box; their addresses stay good. */
  #takeOut(pictures) {
    const out = new Set(pictures.map(({ src }) => src));
    this.#pictures = this.#pictures.filter(({ src }) => !out.has(src));
    for (const tile of [...this.#list.children]) if (out.has(tile.dataset.src)) tile.remove();
    this.#offerSend();
  }

  #offerSend() {
    const has = this.#box.value.trim() !== '' || this.#pictures.length > 0;
    byId('send').disabled = !this.#canSend || !has || this.#sending;
  }

  async #submit() {
    const text = this.#box.value.trim();
    const pictures = [...this.#pictures];
    if (this.#sending || (text === '' && pictures.length === 0)) return;
    this.#setSending(true);
    const sent = await this.#send(text, pictures);
    this.#setSending(false);
    if (!sent) return;
    this.#box.value = '';
    this.#takeOut(pictures);
  }

  #setSending(sending) {
    this.#sending = sending;
    this.#box.readOnly = sending;
    this.#offerSend();
  }

  /** True when everything is on its way; otherwise the problem was told and nothing is lost. */
  async #send(text, pictures) {
    const fitting = Math.floor((this.#call.messageLimit - ENVELOPE) / BYTES_PER_CHARACTER);
    const most = Math.min(MOST_CHARACTERS, fitting);
    const problem = !this.#canSend ? new Problem('not-connected')
      : text.length > most ? new Problem('text-long', { detail: most }) : null;
    try {
      if (problem) throw problem;
      await (pictures.length > 0 ? this.#sendPictures(text, pictures) : this.#sendWords(text));
    } catch (error) {
      this.#onProblem(error instanceof Problem ? error : new Problem('upload-refused'));
      return false;
    }
    this.#count += 1;
    this.#onTyped({ id: this.#count, text, pictures: pictures.map(({ src, name }) => ({ src, name })) });
    return true;
  }

  /** A picture that the service will never take does not stay in the way of the others. */
  async #upload(picture) {
    try {
      return await this.#call.upload(picture.file);
    } catch (problem) {
      if (problem.code === 'upload-refused' && problem.final) this.#remove(picture);
      throw problem;
    }
  }

  #sendWords(text) {
    if (!this.#call.sendText(text)) throw new Problem('not-connected');
  }

  async #sendPictures(text, pictures) {
    // One after another: the service takes in few at a time.
    const files = [];
    for (const picture of pictures) files.push(await this.#upload(picture));
    files.forEach((file, index) => {
      const last = index === files.length - 1;
      if (!this.#call.sendFile(last ? text : '', file, last)) throw new Problem('not-connected');
    });
  }
}
