/** How Easel talks, changed in the middle of a call: voice, language, instructions. */

import { byId, make, setData, write } from './elements.js';
import { LANGUAGES, VOICES, difference } from './settings_wish.js';

/** A change waits for a moment in which nobody speaks; the service gives it a minute. */
const ANSWER_LIMIT_MS = 75_000;
const MODELS_CHOICE = 'As Easel likes';

const WORDS = {
  none: '',
  asking: 'It changes as soon as nobody speaks …',
  yes: 'Done.',
  unknown: 'No answer came. Ask again when you are back in the room.',
};

function nameOf(code) {
  try {
    return new Intl.DisplayNames([navigator.language, 'en'], { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}

function fill(select, options) {
  select.replaceChildren(
    make('option', { value: '', textContent: MODELS_CHOICE }),
    ...options.map(([value, name]) => make('option', { value, textContent: name })),
  );
}

export class SettingsPanel {
  #root = byId('manner');
  #form = byId('manner-form');
  #fields = {
    voice: byId('manner-voice'), language: byId('manner-language'),
    systemInstruction: byId('manner-instruction'),
  };
  #wish = null;
  #connected = false;

  /**
   * `ask(settings)` sends them and gives the request's id or null; `onAsked({id, wanted})` and
   * `onLate(id)` tell of it.
   */
  constructor({ ask, onAsked, onLate }) {
    fill(this.#fields.voice, VOICES.map((voice) => [voice, voice]));
    const languages = LANGUAGES.map((code) => [code, nameOf(code)]);
    fill(this.#fields.language, languages.sort(([, one], [, other]) => one.localeCompare(other)));
    this.#form.addEventListener('input', () => this.#offer());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const wanted = this.#wanted();
      const id = Object.keys(wanted).length > 0 ? ask(wanted) : null;
      if (id === null) return;
      onAsked({ id, wanted });
      setTimeout(() => onLate(id), ANSWER_LIMIT_MS);
    });
  }

  render(wish, { inRoom, connected }) {
    this.#root.hidden = !inRoom;
    this.#connected = connected;
    if (wish !== this.#wish) this.#draw(wish);
    this.#offer();
  }

  #draw(wish) {
    const isTold = wish.known !== this.#wish?.known;
    this.#wish = wish;
    if (isTold) this.#show(wish.known);
    const said = byId('manner-answer');
    setData(said, 'status', wish.status);
    write(said, wish.status === 'no' ? wish.sentence || 'Easel could not do that.' : WORDS[wish.status]);
    for (const field of Object.values(this.#fields)) field.disabled = wish.status === 'asking';
  }

  #show(known) {
    for (const [key, field] of Object.entries(this.#fields)) {
      const value = known[key] ?? '';
      // A voice of one's own, or a language that is not in the list.
      if (field.options && value && ![...field.options].some((one) => one.value === value)) {
        field.append(make('option', { value, textContent: value }));
      }
      field.value = value;
    }
  }

  #wanted() {
    const form = Object.entries(this.#fields).map(([key, field]) => [key, field.value]);
    return difference(this.#wish?.known ?? {}, Object.fromEntries(form));
  }

  #offer() {
    const can = this.#connected && this.#wish?.status !== 'asking';
    byId('manner-ask').disabled = !can || Object.keys(this.#wanted()).length === 0;
  }
}
