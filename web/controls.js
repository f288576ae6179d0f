/** The row of buttons at the bottom: what they say, and what they look like in each state. */

import { byId, setData, write } from './elements.js';

/** state → [the word under the button, the whole sentence for a screen reader]. */
const MIC = {
  idle: ['Mic', 'Microphone. Turn on'],
  asking: ['Asking', 'Microphone: waiting for your permission'],
  on: ['Mute', 'Microphone is on. Mute'],
  off: ['Unmute', 'Microphone is muted. Unmute'],
  denied: ['Blocked', 'Microphone is blocked. Ask again'],
  missing: ['No mic', 'No microphone. Look again'],
  busy: ['In use', 'Microphone is used elsewhere. Try again'],
};
const CAMERA = {
  idle: ['Camera', 'Camera. Turn on'],
  asking: ['Asking', 'Camera: waiting for your permission'],
  on: ['Camera', 'Camera is on. Turn off'],
  off: ['Camera', 'Camera is off. Turn on'],
  denied: ['Blocked', 'Camera is blocked. Ask again'],
  missing: ['No camera', 'No camera. Look again'],
  busy: ['In use', 'Camera is used elsewhere. Try again'],
};

function draw(button, [word, sentence], state) {
  setData(button, 'state', state);
  write(button.querySelector('span'), word);
  button.ariaLabel = sentence;
}

export class Controls {
  #mute = byId('mute');
  #camera = byId('camera');
  #turn = byId('switch-camera');

  constructor({ onMic, onCamera, onTurn, onLeave }) {
    this.#mute.addEventListener('click', onMic);
    this.#camera.addEventListener('click', onCamera);
    this.#turn.addEventListener('click', onTurn);
    byId('leave').addEventListener('click', onLeave);
  }

  render(media, underWay) {
    draw(this.#mute, MIC[media.state('mic')], media.state('mic'));
    draw(this.#camera, CAMERA[media.state('camera')], media.state('camera'));
    byId('leave').hidden = !underWay;
    byId('sound').hidden = !underWay;
  }

  /** Turning makes sense with a second camera only. */
  async offerTurn(media) {
    const cameras = await media.list('camera');
    this.#turn.hidden = cameras.length < 2 || media.state('camera') !== 'on';
    return cameras.length;
  }
}

/** Volume and silence of Easel's voice. */
export function setUpVolume(playback) {
  const volume = byId('volume');
  const silence = byId('silence');
  volume.addEventListener('input', () => { playback.volume = volume.valueAsNumber / 100; });
  silence.addEventListener('change', () => { playback.muted = silence.checked; });
}
