/**
 * The room's images as this page knows them. Pure.
 *
 * Image events may come twice (what is not acknowledged is sent again) and late; each image keeps
 * the highest sequence number it has seen, and older ones change nothing. Names and afterwords are
 * numbered by themselves, since they come beside what became of the image.
 *
 * An image: {id, seq, state: 'started'|'preview'|'ready'|'failed'|'cancelled', queued, position, parentId,
 * parentIds, group, variant, variants, prompt, name, text, textAfter, requestedBy, model, mimeType, width,
 * height, bytes, url, thumbnail, reason, original: {kind, width, height, url} or null, turn}.
 */

export const MOST_IMAGES = 1000;
const LARGE_BYTES = 700_000;

/** Below the number of every event. */
const BEFORE_EVENTS = 0;

const STATES = ['started', 'preview', 'ready', 'failed', 'cancelled', 'deleted'];
const BESIDE = { named: 'name', text: 'text_after' };
const THUMBNAIL = /^data:image\/(webp|jpeg|png);base64,[A-Za-z0-9+/=]+$/;

/** `shownId` is what this page looks at; `currentId` is what the conversation is about. */
export const EMPTY = Object.freeze({
  list: Object.freeze([]),
  shownId: null,
  currentId: null,
  canUndo: false,
  canRedo: false,
  selectedSeq: -1,
  wantedId: null,
  beside: Object.freeze({}),
});

const text = (value, otherwise = null) => (typeof value === 'string' ? value : otherwise);
const size = (value) => (Number.isFinite(value) && value > 0 ? value : null);
const count = (value, otherwise) => (Number.isInteger(value) && value >= 0 ? value : otherwise);

/** Only a path of this service: never another host, never a script. */
export function safePath(value) {
  const isPath = typeof value === 'string' && /^\/?[A-Za-z0-9_~.-]/.test(value);
  return isPath && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(value) && !value.includes('\\') ? value : null;
}

export const safeThumbnail = (value) =>
  typeof value === 'string' && THUMBNAIL.test(value) ? value : null;

function originalIn(list) {
  const first = Array.isArray(list) ? list[0] : undefined;
  const url = safePath(first?.url);
  if (url === null) return null;
  return { kind: text(first.kind, 'camera'), width: size(first.width), height: size(first.height), url };
}

function parentsIn(event, old) {
  const ids = Array.isArray(event.parent_ids) ? event.parent_ids : [event.parent_id];
  const known = ids.filter((id) => typeof id === 'string');
  return known.length > 0 ? known : old?.parentIds ?? [];
}

function imageFrom(event, old) {
  const parentIds = parentsIn(event, old);
  return {
    id: event.image_id,
    seq: event.seq,
    state: event.event,
    queued: event.queued === true,
    position: count(event.position, 0),
    parentId: parentIds[0] ?? null,
    parentIds,
    group: text(event.group, old?.group ?? event.image_id),
    variant: count(event.variant, old?.variant ?? 0),
    variants: count(event.variants, old?.variants ?? 1),
    prompt: text(event.prompt, old?.prompt ?? ''),
    name: text(event.name, old?.name ?? ''),
    text: text(event.text, old?.text ?? ''),
    textAfter: text(event.text_after, old?.textAfter ?? ''),
    requestedBy: text(event.requested_by, old?.requestedBy ?? null),
    model: text(event.model, old?.model ?? null),
    turn: count(event.turn, old?.turn ?? null),
    mimeType: text(event.mime_type, old?.mimeType ?? null),
    width: size(event.width) ?? old?.width ?? null,
    height: size(event.height) ?? old?.height ?? null,
    bytes: size(event.bytes) ?? old?.bytes ?? null,
    url: safePath(event.url) ?? old?.url ?? null,
    thumbnail: safeThumbnail(event.thumbnail) ?? old?.thumbnail ?? null,
    original: originalIn(event.originals) ?? old?.original ?? null,
    reason: text(event.reason),
  };
}

function bounded(list) {
  return list.length > MOST_IMAGES ? list.slice(list.length - MOST_IMAGES) : list;
}

export const find = (images, id) => images.list.find((image) => image.id === id);

/** A larger original is shown in the size for screens; smaller ones come sooner as they are. */
export const isLarge = ({ bytes }) => (bytes ?? 0) > LARGE_BYTES;

export const isInTheMaking = (image) => image.state === 'started' || image.state === 'preview';

/** The images of one wish, when it had several. */
export function variantsOf(images, image) {
  if (image === undefined || image.variants < 2) return [];
  return images.list.filter((other) => other.group === image.group && other.variant > 0);
}

/** True for data that is an image event with a usable sequence number, image and event name. */
export function isImageEvent(data) {
  if (data.type !== 'image-event' || !Number.isInteger(data.seq)) return false;
  if (data.event === 'selected') return typeof data.image_id === 'string' || data.image_id === null;
  const isKnown = STATES.includes(data.event) || Object.hasOwn(BESIDE, data.event);
  return isKnown && typeof data.image_id === 'string';
}

/** One that is not known yet is waited for. */
function selected(images, event) {
  if (event.seq <= images.selectedSeq) return images;
  const id = event.image_id;
  const steps = {
    selectedSeq: event.seq, canUndo: event.can_undo === true, canRedo: event.can_redo === true,
  };
  if (id !== null && find(images, id) === undefined) return { ...images, ...steps, wantedId: id };
  return { ...images, ...steps, shownId: id ?? images.shownId, currentId: id, wantedId: null };
}

/** For a new connection to the same room, which may number its events anew. */
export function renumbered(images) {
  const list = images.list.map((image) => ({ ...image, seq: -1 }));
  return { ...images, selectedSeq: -1, beside: {}, list };
}

/**
 * After a look at the whole room (`GET /sessions/{id}`). Addresses expire, and a page may stay for longer;
 * and of a room with many images, whose events take a while to come, it tells at once which one is current.
 */
export function readdressed(images, { images: told, currentImage }) {
  const known = new Map(Array.isArray(told) ? told.map((one) => [one?.image_id, one]) : []);
  const list = images.list.map((image) => withAddresses(image, known.get(image.id)));
  const changes = list.some((image, at) => image !== images.list[at]);
  const next = changes ? { ...images, list } : images;
  if (images.selectedSeq >= 0 || typeof currentImage !== 'string') return next;
  return selected(next, { seq: BEFORE_EVENTS, image_id: currentImage });
}

/** Of a finished image only: a preview's address names that preview. */
function withAddresses(image, told) {
  const url = safePath(told?.url);
  if (image.state !== 'ready' || told?.state !== 'ready' || url === null) return image;
  const original = originalIn(told.originals) ?? image.original;
  if (url === image.url && original?.url === image.original?.url) return image;
  return { ...image, url, original };
}

function besides(images, event) {
  const key = `${event.event}:${event.image_id}`;
  if (event.seq <= (images.beside[key]?.seq ?? -1)) return images;
  const value = text(event[BESIDE[event.event]], '');
  const beside = { ...images.beside, [key]: { seq: event.seq, value } };
  const list = images.list.map((image) => (image.id === event.image_id ? withBeside(image, beside) : image));
  return { ...images, beside, list };
}

function withBeside(image, beside) {
  const name = beside[`named:${image.id}`]?.value ?? image.name;
  const textAfter = beside[`text:${image.id}`]?.value ?? image.textAfter;
  return { ...image, name, textAfter };
}

/** What was made of it is then made of its parents, as in the service. */
function deleted(images, event) {
  const gone = find(images, event.image_id);
  if (gone === undefined || event.seq <= gone.seq) return images;
  const list = images.list.filter((image) => image !== gone).map((image) => {
    if (!image.parentIds.includes(gone.id)) return image;
    const ids = image.parentIds.flatMap((id) => (id === gone.id ? gone.parentIds : [id]));
    const parentIds = [...new Set(ids)];
    return { ...image, parentIds, parentId: parentIds[0] ?? null };
  });
  const { [`named:${gone.id}`]: _name, [`text:${gone.id}`]: _text, ...beside } = images.beside;
  const currentId = images.currentId === gone.id ? null : images.currentId;
  const shownId = images.shownId === gone.id ? currentId ?? list.findLast(isReady)?.id ?? null : images.shownId;
  return { ...images, list, beside, currentId, shownId };
}

const isReady = (image) => image.state === 'ready';

/** `event` must satisfy isImageEvent. */
export function withEvent(images, event) {
  if (event.event === 'selected') return selected(images, event);
  if (event.event === 'deleted') return deleted(images, event);
  if (Object.hasOwn(BESIDE, event.event)) return besides(images, event);
  const at = images.list.findIndex((image) => image.id === event.image_id);
  const old = at < 0 ? undefined : images.list[at];
  if (old !== undefined && event.seq <= old.seq) return images;
  const image = withBeside(imageFrom(event, old), images.beside);
  const list = old === undefined ? bounded([...images.list, image]) : images.list.with(at, image);
  const next = { ...images, list, ...looks(images, image, old) };
  if (images.wantedId !== image.id) return next;
  return { ...next, shownId: image.id, currentId: image.id, wantedId: null };
}

/**
 * What this page looks at and what is current after an event. The service says which one is current;
 * before its first word (it may be an older one) that is the one that became ready last. What is told
 * again, to a page that came back, is no reason to look elsewhere.
 */
function looks(images, image, old) {
  const { shownId, currentId, selectedSeq } = images;
  if (old?.state === image.state) return { shownId: shownId ?? image.id };
  const isNew = old === undefined;
  const isAlone = shownId === null;
  const told = selectedSeq >= 0;
  const shown = isAlone ? undefined : find(images, shownId);
  const isSibling = shown !== undefined && shown.group === image.group && shown.id !== image.id;
  switch (image.state) {
    case 'started':
      return { shownId: isNew && !isSibling ? image.id : shownId };
    case 'ready':
      if (told) return { shownId: isAlone ? image.id : shownId };
      return { shownId: image.id, currentId: image.id };
    case 'failed':
      return { shownId: isSibling ? shownId : image.id };
    case 'cancelled':
      return { shownId: shownId === image.id && currentId !== null ? currentId : shownId ?? image.id };
    default:
      return { shownId: shownId ?? image.id };
  }
}

/** This person looks at another image; the conversation's current one stays. */
export function shown(images, id) {
  return find(images, id) === undefined ? images : { ...images, shownId: id };
}

/** The finished image to lay beneath one that is being made or has failed, or undefined. */
export function beneath(images, image) {
  const parent = image.parentId === null ? undefined : find(images, image.parentId);
  if (parent?.state === 'ready') return parent;
  const before = images.list.slice(0, images.list.indexOf(image));
  return before.findLast(isReady);
}

/** What to compare an image with: {url, width, height, bytes, words}, or null. */
export function before(images, image) {
  if (image === undefined || image.state !== 'ready') return null;
  const parent = image.parentId === null ? undefined : find(images, image.parentId);
  if (parent?.state === 'ready' && parent.url !== null) {
    const { url, width, height, bytes } = parent;
    return { url, width, height, bytes, words: 'Before' };
  }
  if (image.original === null) return null;
  const words = image.original.kind === 'camera' ? 'Camera' : 'Upload';
  return { ...image.original, words };
}
