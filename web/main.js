/** The page: makes the parts, joins them, and draws whenever something changed. */

import { beneath, folderOf, isOnThisMachine, shareLink } from './addresses.js';
import { BlankCanvas } from './blank_canvas.js';
import { Call } from './call.js';
import { Claim } from './claim.js';
import { Compare } from './compare.js';
import { Composer } from './composer.js';
import { State, isUnderWay } from './connection_state.js';
import { Controls, setUpVolume } from './controls.js';
import { DeviceChoice } from './device_choice.js';
import { setUpPanels } from './disclosure.js';
import { byId, setData, write } from './elements.js';
import { HistoryTree } from './history_tree.js';
import { before, find } from './image_history.js';
import { JoinCard } from './join_card.js';
import { LocalMedia } from './local_media.js';
import { LevelView, runMeters } from './meters.js';
import { Notices } from './notices.js';
import { ownPeers, rememberPeer } from './place.js';
import { PictureTools } from './picture_tools.js';
import { Presence } from './presence.js';
import { Action, Problem } from './problems.js';
import * as protocol from './protocol.js';
import { QualityPanel } from './quality_panel.js';
import { RegionDrawing } from './region_drawing.js';
import { Renewal } from './renewal.js';
import { SelfView } from './self_view.js';
import { SettingsPanel } from './settings_panel.js';
import { setUpShare } from './share.js';
import { Signalling } from './signalling.js';
import { Playback, wake } from './sound.js';
import { Stage } from './stage.js';
import { stateLine, wordsOfTap } from './state_line.js';
import { setUpTheme } from './theme.js';
import { TranscriptView } from './transcript_view.js';
import { VariantsBar } from './variants_bar.js';
import { Visit } from './visit.js';
import { LinkLine, StatusLine, VoiceLine } from './words_of_state.js';

/** How long the loss of sound is news. */
const NEWS_MS = 10_000;

const root = document.documentElement;
const folder = folderOf(window.location.href);
const address = (path) => beneath(folder, path);

const presence = new Presence();
const call = new Call(folder, presence);
const media = new LocalMedia();
const visit = new Visit(call, media, presence, new Claim());
const playback = new Playback(byId('voice'), () => draw());
const notices = new Notices(byId('notices'), act);
const quality = new QualityPanel(document.querySelector('.quality'), call);

let view = protocol.EMPTY;
let drawing = false;

function dispatch(event) {
  const next = protocol.reduce(view, event);
  if (next === view) return;
  view = next;
  draw();
}

const show = (imageId) => {
  if (view.images.shownId === imageId) stage.retry(view.images);
  dispatch({ kind: 'show', imageId });
};
const tell = (problem) => notices.show(problem);

/** What is finished becomes current for everybody; what is not, this page only looks at. */
function choose(imageId) {
  const image = find(view.images, imageId);
  if (image?.state === 'ready' && imageId !== view.images.currentId) call.command('image-select', { image_id: imageId });
  show(imageId);
}

/** The room as the service tells it, or null. */
const look = async () => (call.session ? new Signalling(folder, call.session).room() : null);

const renewal = new Renewal({ look, onTold: (room) => dispatch({ kind: 'pictures', room }) });

/** With a fresh address it is loaded once more by itself. */
async function onUnloadable({ id, url }) {
  await renewal.renew();
  const isStill = view.images.shownId === id && find(view.images, id)?.url === url;
  if (isStill) tell(new Problem('image-unloadable'));
}

const stage = new Stage({
  address, onUnloadable, onShow: show, onLoaded: () => notices.clear('image-unloadable'),
});
const history = new HistoryTree(byId('shelf'), byId('history'), { address, onShow: choose });
const variants = new VariantsBar(byId('variants'), choose);
const compare = new Compare(address);
const pointing = new RegionDrawing({
  onDrawn: (target, region) => call.command('image-region', { target, ...region }),
  onClear: () => call.command('image-region', { target: null }),
});
const pictureTools = new PictureTools({
  address,
  command: (kind, data) => call.command(kind, data),
  link: (imageId) => call.pictureLink(imageId),
  exported: (kind) => (call.session ? address(`sessions/${call.session.sessionId}/export.${kind}`) : null),
});
const transcript = new TranscriptView({
  list: byId('transcript'), newest: byId('newest'), announcer: byId('announcer'),
  onShow: show, onIdea: (words) => composer.say(words),
});
const composer = new Composer({
  call, onProblem: tell,
  onTyped: (typed) => {
    notices.clear(/^(upload|text)-|^not-connected$/);
    transcript.toBottom();
    dispatch({ kind: 'typed', ...typed });
  },
});
const blank = new BlankCanvas(() => visit.check());
const joinCard = new JoinCard({
  onJoin: () => visit.join(),
  onJoinText: () => visit.join({ devices: false }),
  onJoinNew: () => visit.join({ newRoom: true }),
});
const controls = new Controls({
  onMic: () => visit.toggleMic(),
  onCamera: () => visit.toggleCamera(),
  onTurn: () => visit.turnCamera(),
  onLeave: () => visit.leave(),
});
const selfView = new SelfView((ratio) => stage.lend(ratio), () => draw());
const devices = new DeviceChoice(media, (device, id) => visit.choose(device, id));
const level = new LevelView(byId('level'), '--level');
const voice = new LevelView(byId('ledge'), '--voice');
const settings = new SettingsPanel({
  ask: (wanted) => call.askFor(wanted),
  onAsked: (asked) => dispatch({ kind: 'asked', ...asked }),
  onLate: (id) => dispatch({ kind: 'unanswered', id }),
});
const linkLine = new LinkLine(byId('link-line'), byId('link-words'));
const status = new StatusLine(byId('status-words').parentElement, byId('status-words'));
const voiceLine = new VoiceLine(byId('voice-words'), byId('ledge'));

function act(action) {
  const again = { devices: false };
  if (action === Action.NEW_ROOM) visit.join({ newRoom: true, ...(isInRoom() ? again : {}) });
  else visit.join(isInRoom() ? again : {});
}

/** The room stays on the screen after a loss, so that nothing seems gone. */
const isInRoom = () => isUnderWay(call.state) || (call.state === State.FAILED && view.ready);

function draw() {
  if (drawing) return;
  drawing = true;
  // Once for each frame: a room that is entered late tells of all its images at once.
  const paint = () => {
    drawing = false;
    drawFrame();
    drawRoom();
  };
  if (document.hidden) setTimeout(paint);
  else requestAnimationFrame(paint);
}

function drawFrame() {
  const inRoom = isInRoom();
  setData(root, 'phase', inRoom ? 'room' : 'lobby');
  document.querySelector('.quality').hidden = call.state !== State.CONNECTED;
  byId('share').hidden = !inRoom || call.session === null;
  devices.moveTo(byId(inRoom ? 'sound-devices' : 'devices-home'));
  joinCard.say(visit.why);
  joinCard.asking = visit.asking;
  controls.render(media, inRoom);
  status.render(call.state, { asking: visit.asking, returning: visit.returning, partner: view.partner });
  const offline = navigator.onLine === false && !isOnThisMachine(folder);
  linkLine.render(stateLine({ state: call.state, offline, link: view.link, lost: view.lost }));
  settings.render(view.wish, { inRoom, connected: call.state === State.CONNECTED });
  askForTap(inRoom);
  composer.connected = call.state === State.CONNECTED;
  level.follow(media.state('mic') === 'on' ? media.track('mic') : null);
  const untried = media.state('mic') === 'idle' && media.state('camera') === 'idle';
  blank.render(inRoom, untried && media.available);
}

/** Browsers let a page be heard, and some open its microphone, only after a tap on it. */
function askForTap(inRoom) {
  const sound = playback.blocked;
  const devices = visit.wanted;
  byId('hear').hidden = !inRoom || (!sound && devices.length === 0);
  write(byId('hear-words'), wordsOfTap({ sound, devices }));
}

function drawRoom() {
  const { images } = view;
  stage.render(images);
  history.render(images);
  variants.render(images);
  transcript.render(view.transcript, images);
  selfView.render(media.track('camera'), media.mirrored, images.shownId !== null);
  drawTools(images);
  voiceLine.render(view.speaking, call.state === State.CONNECTED, media.state('mic'));
  quality.firstAnswerMs = view.firstAnswerMs;
}

function drawTools(images) {
  const image = images.shownId === null ? undefined : find(images, images.shownId);
  const connected = call.state === State.CONNECTED;
  byId('stage').toggleAttribute('data-tools', isInRoom());
  pictureTools.render(images, connected);
  compare.render(before(images, image), image);
  const target = selfView.isLarge ? 'camera' : image?.state === 'ready' ? image.id : null;
  pointing.render(connected ? target : null, selfView.isLarge && media.mirrored, view.mark);
}

function onMessage(message) {
  const error = protocol.isAnswer(view, message) ? null : protocol.errorIn(message);
  if (error?.fatal) call.fail(new Problem(isSpent() ? 'budget-spent' : 'model-fatal', { detail: error.words }));
  else if (error) tell(new Problem('model-error', { detail: error.words }));
  const { lost, budget } = view;
  dispatch(message);
  const { count } = view.lost;
  if (count > lost.count) setTimeout(() => dispatch({ kind: 'faded', count }), NEWS_MS);
  if (view.budget.sentence !== budget.sentence) tellBudget(view.budget);
  if (message.type === 'bot-ready' && view.selfId !== null) rememberPeer(view.selfId);
}

const isSpent = () => view.budget.state === 'spent';

function tellBudget({ sentence }) {
  notices.clear(/^budget-/);
  if (sentence !== '') tell(new Problem('budget-warning', { detail: sentence }));
}

function onProblem(problem) {
  if (problem.code.startsWith('budget-')) notices.clear(/^budget-/);
  tell(problem);
}

function onPast(room) {
  if (Array.isArray(room.transcript)) dispatch({ kind: 'past', said: room.transcript, own: ownPeers() });
  dispatch({ kind: 'settings', settings: room.settings });
  dispatch({ kind: 'pictures', room });
  renewal.done();
}

function onState(state) {
  if (state === State.CONNECTED) {
    welcome();
    stage.retry(view.images);
  }
  if (state === State.RECONNECTING) dispatch({ kind: 'quiet' });
  if (!isUnderWay(state)) {
    dispatch({ kind: 'quiet' });
    playback.stop();
    voice.follow(null);
  }
  draw();
  if (state === State.CLOSED) requestAnimationFrame(() => joinCard.focus());
}

function welcome() {
  notices.clear(/^(?!mic|camera|media|insecure)/);
  // The button that was pressed is gone; the text box would call up a phone's keyboard.
  if (!visit.returning && document.activeElement === document.body) byId('mute').focus({ preventScroll: true });
}

function onTrack(track) {
  if (track.kind !== 'audio') return;
  playback.play(track);
  voice.follow(track);
}

function onMediaProblems(problems) {
  if (problems.length === 0) notices.clear(/^(mic|camera|media)-/);
  for (const problem of problems) tell(problem);
}

function setUpTalkSheet() {
  const talk = byId('talk');
  const handle = byId('talk-handle');
  handle.addEventListener('click', () => {
    const open = talk.dataset.open !== 'true';
    setData(talk, 'open', open);
    handle.setAttribute('aria-expanded', String(open));
  });
}

function listen() {
  call.addEventListener('state', ({ detail }) => onState(detail));
  call.addEventListener('room', ({ detail }) => dispatch({ kind: 'enter', ...detail }));
  call.addEventListener('past', ({ detail }) => onPast(detail));
  call.addEventListener('message', ({ detail }) => onMessage(detail));
  call.addEventListener('track', ({ detail }) => onTrack(detail));
  call.addEventListener('problem', ({ detail }) => onProblem(detail));
  visit.addEventListener('change', draw);
  visit.addEventListener('problems', ({ detail }) => onMediaProblems(detail));
  visit.addEventListener('enter', () => notices.clear());
  media.addEventListener('problem', ({ detail }) => tell(detail));
  media.addEventListener('change', () => {
    draw();
    devices.refresh();
    controls.offerTurn(media);
  });
  byId('hear').addEventListener('click', () => {
    playback.retry();
    visit.goOn();
  });
  presence.addEventListener('wake', () => {
    draw();
    stage.retry(view.images);
  });
  document.addEventListener('pointerdown', wake, { once: true });
}

setUpTheme(byId('theme'));
setUpPanels();
setUpTalkSheet();
setUpVolume(playback);
setUpShare(byId('share'), byId('share-words'), () => (call.session ? shareLink(folder, call.session) : null));
listen();
runMeters([level, voice]);
draw();
devices.refresh();
visit.begin();

/** For tests and debugging; nothing here changes anything. */
Object.defineProperty(window, 'easel', {
  value: Object.freeze({
    get state() { return call.state; },
    get peerConnection() { return call.peerConnection; },
    stats: () => quality.stats(),
  }),
});
