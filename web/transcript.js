/**
 * Who said what, in order. Pure: every function takes a transcript and returns one.
 *
 * The service's own cumulative transcripts (rank SERVER) are the truth. Servers that send only
 * the standard RTVI messages are understood too; a better source, once seen, replaces what a
 * poorer one wrote for the same role.
 *
 * An item: {key, role: 'user'|'model'|'peer'|'image'|'note', side, turn, text, final, interrupted,
 * past, adrift, rank, name, pictures}. `side` names one speaker in one turn, who may speak there more
 * than once; `turn` is null for what has none; `past` was said before this page came; `adrift` was
 * still being said when the connection went away; `pictures` are the previews of typed messages. A
 * note is a remark of this page.
 */

export const MOST_ITEMS = 500;
export const Rank = Object.freeze({ FRAGMENTS: 1, OUTPUT: 2, SERVER: 3, TYPED: 4 });

export const SPOKEN_ROLES = ['user', 'model', 'peer'];

export const EMPTY = Object.freeze({
  items: Object.freeze([]),
  best: Object.freeze({ user: 0, model: 0, peer: 0 }),
  standardTurn: 0,
  segment: null,
});

export const BLANK = Object.freeze({
  side: null, turn: null, final: false, interrupted: false, past: false, adrift: false, name: null,
  pictures: Object.freeze([]),
});

function placed(items, item) {
  const last = items.at(-1);
  // What the user said may be recognised after the answer began: it still belongs before it.
  const late =
    last !== undefined && last.role === 'model' && !last.final &&
    item.role !== 'model' && item.turn !== null && item.turn === last.turn;
  const all = late ? [...items.slice(0, -1), item, last] : [...items, item];
  return all.length > MOST_ITEMS ? all.slice(all.length - MOST_ITEMS) : all;
}

function without(transcript, item) {
  return { ...transcript, items: transcript.items.filter((other) => other !== item) };
}

function put(transcript, item) {
  const at = transcript.items.findIndex((other) => other.key === item.key);
  const items =
    at < 0 ? placed(transcript.items, item) : transcript.items.with(at, item);
  return { ...transcript, items };
}

/** Forgets what poorer sources wrote for `role`; null when a better source is known already. */
function raisedTo(transcript, role, rank) {
  const known = transcript.best[role];
  if (rank < known) return null;
  if (rank === known) return transcript;
  const items = transcript.items.filter((item) => item.role !== role || item.rank >= rank);
  return { ...transcript, items, best: { ...transcript.best, [role]: rank } };
}

/** The typed item that this server transcript echoes, if any. */
function echoedBy(transcript, role, text) {
  if (role !== 'user') return undefined;
  const words = text.trim();
  const isEcho = (item) => item.rank === Rank.TYPED && item.role === 'user' && item.text.trim() === words;
  return transcript.items.find(isEcho);
}

/** The service calls every person "user" and names the peer; to this page one of them is "you". */
function roleOf({ role, peer }, selfId) {
  const another = typeof peer === 'string' && selfId !== null && peer !== selfId;
  return role === 'user' && another ? 'peer' : role;
}

/**
 * What is final stays as it is: more words of the same side are another utterance, as when the
 * model speaks again because a picture is done.
 */
function utterance(items, side, final) {
  const said = items.filter((item) => item.side === side);
  const old = said.at(-1);
  const more = old !== undefined && old.final && !final;
  return { old: more ? undefined : old, key: more ? `${side}#${said.length}` : old?.key ?? side };
}

/**
 * `data` of a server-message of type "transcript": its text is the whole text so far. `selfId` is
 * this page's peer id, or null when the service did not tell.
 */
export function heardFromServer(transcript, data, selfId = null) {
  const { turn, text } = data;
  const role = roleOf(data, selfId);
  const usable = SPOKEN_ROLES.includes(role) && typeof text === 'string' && Number.isInteger(turn);
  if (!usable) return transcript;
  const raised = raisedTo(transcript, role, Rank.SERVER);
  const side = role === 'peer' && typeof data.peer === 'string' ? `peer:${turn}:${data.peer}` : `${role}:${turn}`;
  const { old, key } = utterance(raised.items, side, data.final === true);
  // Nothing was said, or nothing of it was heard before the interruption.
  if (text.trim() === '') return old === undefined ? transcript : without(raised, old);
  const item = {
    ...(old ?? BLANK), key, side, role, turn, text, rank: Rank.SERVER,
    final: data.final === true, adrift: false,
    interrupted: data.interrupted === true,
    name: typeof data.name === 'string' ? data.name : null,
  };
  const typed = old === undefined ? echoedBy(raised, role, text) : undefined;
  if (typed === undefined) return put(raised, item);
  const at = raised.items.indexOf(typed);
  return { ...raised, items: raised.items.with(at, { ...item, pictures: typed.pictures }) };
}

/** What this person typed, shown at once. */
export function typed(transcript, { id, text, pictures }) {
  return put(transcript, {
    ...BLANK, key: `typed:${id}`, role: 'user', text, pictures, final: true, rank: Rank.TYPED,
  });
}

/** An image stands after what was said in the turns up to its own. */
export function withMark(items, mark) {
  const later = mark.turn === null ? -1 : items.findIndex((item) => item.turn > mark.turn);
  return later < 0 ? [...items, mark] : items.toSpliced(later, 0, mark);
}

/** What is being said now may end unheard: the connection is gone. */
export function castAdrift(transcript) {
  const isOpen = (item) => !item.final && !item.adrift;
  if (!transcript.items.some(isOpen)) return transcript;
  const items = transcript.items.map((item) => (isOpen(item) ? { ...item, adrift: true } : item));
  return { ...transcript, items };
}

/** A remark of the page at this place of the conversation; `id` tells it from others. */
export function noted(transcript, id, text) {
  return put(transcript, { ...BLANK, key: `note:${id}`, role: 'note', text, final: true, rank: Rank.TYPED });
}

/** A mark in the conversation where an image was begun; `turn` as the image's event names it. */
export function imageBegun(transcript, imageId, turn) {
  const key = `image:${imageId}`;
  if (transcript.items.some((item) => item.key === key)) return transcript;
  const mark = {
    ...BLANK, key, role: 'image', text: imageId, final: true, rank: Rank.SERVER,
    turn: Number.isInteger(turn) ? turn : null,
  };
  return { ...transcript, items: withMark(transcript.items, mark).slice(-MOST_ITEMS) };
}

/** It was deleted: a mark that leads nowhere helps nobody. */
export function imageGone(transcript, imageId) {
  const item = transcript.items.find((other) => other.key === `image:${imageId}`);
  return item === undefined ? transcript : without(transcript, item);
}

function openItem(transcript, role) {
  const item = transcript.items.findLast((other) => other.role === role && other.turn !== null);
  return item !== undefined && !item.final ? item : undefined;
}

function written(transcript, role, rank, write) {
  const raised = raisedTo(transcript, role, rank);
  if (raised === null) return transcript;
  const open = openItem(raised, role);
  if (open !== undefined) return put(raised, { ...open, ...write(open.text) });
  const turn = raised.standardTurn + 1;
  const item = { ...BLANK, key: `standard:${role}:${turn}`, role, turn, rank, ...write('') };
  return put({ ...raised, standardTurn: turn }, item);
}

const joined = (before, text) =>
  before === '' || /\s$/.test(before) || /^[\s.,;:!?]/.test(text) ? before + text : `${before} ${text}`;

function output(transcript, data) {
  const repeated = data.segment_id != null && data.segment_id === transcript.segment;
  if (repeated || data.spoken === false) return transcript;
  const next = written(transcript, 'model', Rank.OUTPUT, (before) => ({
    text: joined(before, data.text),
  }));
  return next === transcript ? next : { ...next, segment: data.segment_id ?? null };
}

/** A standard RTVI transcript message. Unknown types and broken data change nothing. */
export function heardStandard(transcript, type, data) {
  if (typeof data.text !== 'string' || data.text === '') return transcript;
  switch (type) {
    case 'user-transcription':
      return written(transcript, 'user', Rank.FRAGMENTS, () => ({
        text: data.text, final: data.final === true,
      }));
    case 'bot-transcription':
      return written(transcript, 'model', Rank.FRAGMENTS, (before) => ({
        text: joined(before, data.text),
      }));
    case 'bot-output':
      return output(transcript, data);
    default:
      return transcript;
  }
}

/** Ends the model's open item, for servers that never say "final". */
export function modelFellSilent(transcript) {
  const open = openItem(transcript, 'model');
  if (open === undefined || open.rank === Rank.SERVER) return transcript;
  return put(transcript, { ...open, final: true });
}
