/** Pointing at a part of what stands on the easel: drag a box, or draw around something. */

import { byId, setData } from './elements.js';
import { boxBetween, mirrored, pathOf, strokeThrough } from './region.js';

const STRAY = 0.06; // by which a drag must leave the straight line between its ends to be a drawn line

export class RegionDrawing {
  #surface = byId('region-surface');
  #path = byId('region-path');
  #button = byId('region');
  #clear = byId('region-clear');
  #hint = byId('region-hint');
  #onDrawn;
  #onClear;
  #points = null;
  #pointer = null;
  #on = false;
  #shown = null;
  #target = null;
  #mirrors = false;

  /** `onDrawn(target, region)` and `onClear()` tell the service. */
  constructor({ onDrawn, onClear }) {
    this.#onDrawn = onDrawn;
    this.#onClear = onClear;
    this.#button.addEventListener('click', () => this.#set(!this.#on));
    this.#clear.addEventListener('click', () => this.#onClear());
    this.#surface.addEventListener('pointerdown', (event) => this.#begin(event));
    this.#surface.addEventListener('pointermove', (event) => this.#move(event));
    this.#surface.addEventListener('pointerup', (event) => this.#end(event));
    this.#surface.addEventListener('pointercancel', (event) => this.#isOther(event) || this.#drop());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#on) this.#set(false);
    });
  }

  /**
   * `target`: what stands on the easel, an image's id or 'camera', null for nothing to point at; `mirrors`:
   * it is shown as in a mirror; `mark`: what somebody points at, {target, region}, or null.
   */
  render(target, mirrors, mark) {
    // What was begun on one picture must not end on another.
    if (target !== this.#target || mirrors !== this.#mirrors) this.#points = null;
    this.#target = target;
    this.#mirrors = mirrors;
    this.#button.disabled = target === null;
    if (target === null && this.#on) this.#set(false);
    const isHere = mark !== null && mark.target === target;
    this.#clear.hidden = mark === null;
    this.#shown = isHere ? mark.region : null;
    if (this.#points === null) this.#draw(this.#shown && mirrors ? mirrored(this.#shown) : this.#shown);
    this.#hint.hidden = !isHere;
    this.#surface.toggleAttribute('hidden', !this.#on && !isHere);
    setData(this.#surface, 'draws', this.#on);
  }

  #set(on) {
    this.#on = on;
    this.#drop();
    this.#button.setAttribute('aria-pressed', String(on));
    setData(this.#surface, 'draws', on);
    this.#surface.toggleAttribute('hidden', !on && this.#shown === null);
  }

  #at({ clientX, clientY }) {
    const { left, top, width, height } = this.#surface.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  }

  #begin(event) {
    if (!this.#on || event.button !== 0 || this.#points !== null) return;
    event.preventDefault();
    this.#surface.setPointerCapture(event.pointerId);
    this.#pointer = event.pointerId;
    this.#points = [this.#at(event)];
  }

  /** Another finger than the one that draws. */
  #isOther(event) { return this.#points === null || event.pointerId !== this.#pointer; }

  #move(event) {
    if (this.#isOther(event)) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) this.#points.push(this.#at(one));
    this.#draw(this.#region());
  }

  #end(event) {
    if (this.#isOther(event)) return;
    this.#points.push(this.#at(event));
    const region = this.#region();
    this.#drop();
    if (region === null) return;
    this.#onDrawn(this.#target, this.#mirrors ? mirrored(region) : region);
    this.#set(false);
  }

  /** A straight drag spans a box; one that winds is the line itself. */
  #region() {
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    return winds(this.#points) ? strokeThrough(this.#points) : boxBetween(first, last);
  }

  #drop() {
    this.#points = null;
    this.#draw(this.#shown && this.#mirrors ? mirrored(this.#shown) : this.#shown);
  }

  #draw(region) {
    this.#path.setAttribute('d', region === null ? '' : pathOf(region));
    setData(this.#surface, 'kind', region === null ? 'none' : region.box ? 'box' : 'stroke');
  }
}

/** Whether the points leave the straight line from the first to the last. */
function winds(points) {
  const [[x0, y0], [x1, y1]] = [points[0], points.at(-1)];
  const length = Math.hypot(x1 - x0, y1 - y0);
  return points.some(([x, y]) => {
    if (length < STRAY) return Math.hypot(x - x0, y - y0) > 2 * STRAY;
    const along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length;
    const aside = Math.abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / length;
    return aside > Math.max(STRAY, length * 0.18) || along < -STRAY || along > length + STRAY;
  });
}
