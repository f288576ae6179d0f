/** Asks for statistics every two seconds and shows them. */

import { byId, make, setData, write } from './elements.js';
import { Grade, measure, rows } from './quality.js';

const EVERY_MS = 2_000;
const WORDS = {
  [Grade.NONE]: 'is being measured', [Grade.GOOD]: 'is good', [Grade.FAIR]: 'is fair', [Grade.POOR]: 'is poor',
};

export class QualityPanel {
  #root;
  #call;
  #latest = null;
  #firstAnswerMs = null;

  constructor(root, call) {
    this.#root = root;
    this.#call = call;
    setInterval(() => this.#refresh(), EVERY_MS);
  }

  set firstAnswerMs(value) { this.#firstAnswerMs = value; }

  /** The latest figures, or null without a connection. */
  async stats() {
    const connection = this.#call.peerConnection;
    if (connection === null) return null;
    const reports = [...(await connection.getStats()).values()];
    return measure(reports, this.#latest, performance.now());
  }

  async #refresh() {
    this.#latest = await this.stats();
    if (this.#latest !== null) this.#draw(this.#latest);
  }

  #draw(figures) {
    setData(this.#root, 'grade', figures.grade);
    write(byId('quality-grade'), WORDS[figures.grade]);
    write(byId('quality-glance'), figures.roundTripMs === null ? '–' : `${figures.roundTripMs} ms`);
    byId('quality-rows').replaceChildren(...rows(figures, this.#firstAnswerMs).flatMap(
      ([label, value]) => [make('dt', { textContent: label }), make('dd', { textContent: value })],
    ));
  }
}
