/** Problems as notices over the studio: one for each code, the newest on top, three at most. */

import { icon, make } from './elements.js';
import { wordsFor } from './problems.js';

const MOST = 3;
const LABEL = { reconnect: 'Reconnect', 'new-room': 'Start a new room', retry: 'Try again', here: 'Talk here again' };
/** Nothing is broken: the conversation goes on with less. */
const NOTES = /^(mic|camera|media|insecure|budget)-|^replaced$/;

export class Notices {
  #root;
  #act;

  /** `act(action)` runs a problem's action. */
  constructor(root, act) {
    this.#root = root;
    this.#act = act;
  }

  show(problem) {
    this.clear(problem.code);
    const { title, text, action } = wordsFor(problem);
    const notice = make(
      'article',
      { className: 'notice', data: { code: problem.code, tone: NOTES.test(problem.code) ? 'note' : 'alarm' } },
      make('h2', { textContent: title }),
      this.#closer(problem.code),
      make('p', { textContent: text }),
    );
    if (action) notice.append(this.#actor(problem.code, action));
    this.#root.prepend(notice);
    while (this.#root.children.length > MOST) this.#root.lastElementChild.remove();
    this.#root.hidden = false;
  }

  /** Removes the notices whose code matches (a code or a regular expression); all without one. */
  clear(which = /./) {
    for (const notice of [...this.#root.children]) {
      const { code } = notice.dataset;
      if (which === code || (which instanceof RegExp && which.test(code))) notice.remove();
    }
    this.#root.hidden = this.#root.children.length === 0;
  }

  #closer(code) {
    return make('button', {
      type: 'button', className: 'quiet icon-only', onclick: () => this.clear(code), aria: { label: 'Dismiss' },
    }, icon('close'));
  }

  #actor(code, action) {
    return make('button', {
      type: 'button', className: 'plain', textContent: LABEL[action], data: { action },
      onclick: () => {
        this.clear(code);
        this.#act(action);
      },
    });
  }
}
