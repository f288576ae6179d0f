/**
 * The room's images as this page knows them. Pure.
 *
 * Image events may come twice (what is not acknowledged is sent again) and late; each image keeps
 * the highest sequence number it has seen, and older ones change nothing.
 *
 * An image: {id, seq, state: 'started'|'preview'|'ready'|'failed'|'cancelled', parentId, prompt,
 * requestedBy, mimeType, width, height, bytes, url, thumbnail, reason}.
 */

export const MOST_IMAGES = 1000;

const STATES = ['started', 'preview', 'ready', 'failed', 'cancelled'];
const THUMBNAIL = /^data:image\/(webp|jpeg|png);base64,[A-Za-z0-9+/=]+$/;

/** `shownId` is what this page looks at; `currentId` is what the conversation is about. */
export const EMPTY = Object.freeze({
  list: Object.freeze([]),
  shownId: null,
  currentId: null,
  selectedSeq: -1,
});

const text = (value, otherwise = null) => (typeof value === 'string' ? value : otherwise);
const size = (value) => (Number.isFinite(value) && value > 0 ? value : null);

/** Only a path of this service: never another host, never a script. */
export function safePath(value) {
  const isPath = typeof value === 'string' && /^\/?[A-Za-z0-9_~.-]/.test(value);
  return isPath && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(value) && !value.includes('\\') ? value : null;
}

export const safeThumbnail = (value) =>
  typeof value === 'string' && THUMBNAIL.test(value) ? value : null;

function imageFrom(event, old) {
  return {
    id: event.image_id,
    seq: event.seq,
    state: event.event,
    parentId: text(event.parent_id, old?.parentId ?? null),
    prompt: text(event.prompt, old?.prompt ?? ''),
    requestedBy: text(event.requested_by, old?.requestedBy ?? null),
    mimeType: text(event.mime_type, old?.mimeType ?? null),
    width: size(event.width) ?? old?.width ?? null,
    height: size(event.height) ?? old?.height ?? null,
    bytes: size(event.bytes) ?? old?.bytes ?? null,
    url: safePath(event.url) ?? old?.url ?? null,
    thumbnail: safeThumbnail(event.thumbnail) ?? old?.thumbnail ?? null,
    reason: text(event.reason),
  };
}

function bounded(list) {
  return list.length > MOST_IMAGES ? list.slice(list.length - MOST_IMAGES) : list;
}

export const find = (images, id) => images.list.find((image) => image.id === id);

export const isInTheMaking = (image) => image.state === 'started' || image.state === 'preview';

/** True for data that is an image event with a usable sequence number, image and event name. */
export function isImageEvent(data) {
  return (
    data.type === 'image-event' && Number.isInteger(data.seq) && typeof data.image_id === 'string' &&
    (data.event === 'selected' || STATES.includes(data.event))
  );
}

function selected(images, event) {
  if (event.seq <= images.selectedSeq || find(images, event.image_id) === undefined) return images;
  const id = event.image_id;
  return { ...images, shownId: id, currentId: id, selectedSeq: event.seq };
}

/** For a new connection to the same room, which may number its events anew. */
export function renumbered(images) {
  return { ...images, selectedSeq: -1, list: images.list.map((image) => ({ ...image, seq: -1 })) };
}

/** `event` must satisfy isImageEvent. */
export function withEvent(images, event) {
  if (event.event === 'selected') return selected(images, event);
  const at = images.list.findIndex((image) => image.id === event.image_id);
  const old = at < 0 ? undefined : images.list[at];
  if (old !== undefined && event.seq <= old.seq) return images;
  const image = imageFrom(event, old);
  const list = old === undefined ? bounded([...images.list, image]) : images.list.with(at, image);
  const looksElsewhere = images.shownId !== null && images.shownId !== image.id;
  const shows = image.state === 'cancelled' && looksElsewhere ? images.shownId : image.id;
  return {
    ...images,
    list,
    shownId: image.state === 'preview' && looksElsewhere ? images.shownId : shows,
    currentId: image.state === 'ready' ? image.id : images.currentId,
  };
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
  return before.findLast((other) => other.state === 'ready');
}
