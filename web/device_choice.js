/** The two lists of devices; the same fieldset stands on the join card and in the sound panel. */

import { byId, make } from './elements.js';

const NAME = { mic: 'Microphone', camera: 'Camera' };
const NOT_YET = 'Not asked yet';

export class DeviceChoice {
  #fieldset = byId('devices');
  #selects = { mic: byId('mic-choice'), camera: byId('camera-choice') };
  #media;

  /** `onChoose(device, deviceId)`; device is 'mic' or 'camera'. */
  constructor(media, onChoose) {
    this.#media = media;
    for (const [device, select] of Object.entries(this.#selects)) {
      select.addEventListener('change', () => onChoose(device, select.value));
    }
  }

  moveTo(home) {
    if (this.#fieldset.parentElement !== home) home.append(this.#fieldset);
  }

  async refresh() {
    await Promise.all(Object.keys(this.#selects).map((device) => this.#fill(device)));
  }

  async #fill(device) {
    const select = this.#selects[device];
    const list = await this.#media.list(device);
    const inUse = this.#media.track(device)?.getSettings?.().deviceId;
    const named = list.filter((one) => one.label !== '');
    const options = named.length > 0
      ? named.map(({ deviceId, label }) => make('option', { value: deviceId, textContent: label, selected: deviceId === inUse }))
      : [make('option', { value: '', textContent: list.length > 0 || this.#media.state(device) === 'idle' ? NOT_YET : `No ${NAME[device].toLowerCase()}` })];
    select.disabled = named.length === 0;
    select.replaceChildren(...options);
  }
}
