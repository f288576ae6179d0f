/**
 * What was said while this page was not there, joined to what it heard itself. Pure.
 *
 * The service's record says what was said, in order, and what of it was heard. It is taken up when a
 * page comes, and again when it comes back, where the page has its own lines already.
 */

import { BLANK, MOST_ITEMS, Rank, SPOKEN_ROLES, withMark } from './transcript.js';

const isLine = (line) =>
  SPOKEN_ROLES.includes(line?.role) && typeof line.text === 'string' && line.text.trim() !== '' &&
  Number.isInteger(line.turn);

function itemOf(line, own) {
  const theirs = line.role === 'user' && typeof line.peer === 'string' && !own.includes(line.peer);
  const role = theirs ? 'peer' : line.role;
  const side = theirs ? `peer:${line.turn}:${line.peer}` : `${role}:${line.turn}`;
  return {
    ...BLANK, role, side, turn: line.turn, text: line.text.trim(), rank: Rank.SERVER,
    final: true, interrupted: line.interrupted === true, past: true,
  };
}

/** The items of a record; a speaker's second line in a turn has a key of its own. */
function recorded(said, own) {
  const counts = new Map();
  return said.filter(isLine).map((line) => {
    const item = itemOf(line, own);
    const count = counts.get(item.side) ?? 0;
    counts.set(item.side, count + 1);
    return { ...item, key: `past:${item.side}#${count}` };
  });
}

function areAkin(a, b) {
  const [one, other] = [a, b].map((text) => text.trim().replace(/\s+/g, ' '));
  return one.startsWith(other) || other.startsWith(one);
}

/** The item of this page that the recorded one is, if it has it. */
function sameAs(record, items) {
  const said = items.find((item) => item.side === record.side && areAkin(item.text, record.text));
  if (said !== undefined || record.role !== 'user') return said;
  return items.find((item) => item.rank === Rank.TYPED && item.role === 'user' && item.text.trim() === record.text);
}

/** What is being said now is known better here; what is final is as the record has it. */
function agreed(record, item) {
  if (!item.final) return item;
  const { text, side, turn, interrupted } = record;
  return { ...item, text, side, turn, interrupted, rank: Rank.SERVER };
}

/** `item` after the one it followed, or else where its turn is. */
function withOwn(items, item, before) {
  const at = before === null ? -1 : items.findIndex((other) => other.key === before);
  if (at >= 0) return items.toSpliced(at + 1, 0, item);
  const later = item.turn === null ? -1 : items.findIndex((other) => other.turn > item.turn);
  return later < 0 ? [...items, item] : items.toSpliced(later, 0, item);
}

const isPlacedByTurn = (item) => item.role === 'image' && item.turn !== null;

/**
 * `said` as GET /sessions/{id} gives it in `transcript`, `own` the peer ids that this person had.
 * What was adrift stays only if the record has it; if it is still being said, it comes again.
 */
export function past(transcript, said, own) {
  const here = transcript.items.filter((item) => !item.adrift);
  const free = new Set(here.filter((item) => !isPlacedByTurn(item)));
  let items = recorded(said, own).map((record) => {
    const known = sameAs(record, [...free]);
    if (known === undefined) return record;
    free.delete(known);
    return agreed(record, known);
  });
  let before = null;
  for (const item of here) {
    if (free.has(item)) items = withOwn(items, item, before);
    if (!isPlacedByTurn(item)) before = item.key;
  }
  items = here.filter(isPlacedByTurn).reduce(withMark, items);
  return { ...transcript, items: items.slice(-MOST_ITEMS) };
}
