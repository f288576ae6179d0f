/**
 * A part of a picture that somebody points at: a box or a line, in shares of the picture. Pure.
 */

const SMALLEST = 0.015;
const MOST_POINTS = 240;
const STROKE_WIDTH = 0.03;

const within = (value) => Math.min(1, Math.max(0, value));
const rounded = (value) => Math.round(value * 10_000) / 10_000;

/** The box between two points, or null for a mere tap. */
export function boxBetween([x0, y0], [x1, y1]) {
  const left = within(Math.min(x0, x1));
  const top = within(Math.min(y0, y1));
  const width = within(Math.max(x0, x1)) - left;
  const height = within(Math.max(y0, y1)) - top;
  if (width < SMALLEST || height < SMALLEST) return null;
  return { box: { x: rounded(left), y: rounded(top), width: rounded(width), height: rounded(height) } };
}

/** The line through the points, or null for a mere tap. */
export function strokeThrough(points) {
  const step = Math.max(1, Math.ceil(points.length / MOST_POINTS));
  const kept = points.filter((_, at) => at % step === 0 || at === points.length - 1);
  const xs = kept.map(([x]) => x);
  const ys = kept.map(([, y]) => y);
  const isTap = Math.max(...xs) - Math.min(...xs) < SMALLEST && Math.max(...ys) - Math.min(...ys) < SMALLEST;
  if (kept.length < 2 || isTap) return null;
  const inside = kept.map(([x, y]) => [rounded(within(x)), rounded(within(y))]);
  return { stroke: { points: inside, width: STROKE_WIDTH } };
}

/** As it looks in a mirror, which is how people see their own camera. */
export function mirrored(region) {
  if (region.box) {
    const { x, width } = region.box;
    return { box: { ...region.box, x: rounded(within(1 - x - width)) } };
  }
  return { stroke: { ...region.stroke, points: region.stroke.points.map(([x, y]) => [rounded(1 - x), y]) } };
}

const isShare = (value) => Number.isFinite(value) && value >= 0 && value <= 1;

/** What the service says that somebody points at: {target, region, peer}, or null. */
export function markFrom(data) {
  if (typeof data.target !== 'string' || typeof data.region !== 'object' || data.region === null) return null;
  const { box, stroke } = data.region;
  const isBox = box && [box.x, box.y, box.width, box.height].every(isShare);
  const points = stroke && Array.isArray(stroke.points) ? stroke.points : null;
  const isStroke = points && points.every((point) => Array.isArray(point) && point.slice(0, 2).every(isShare));
  if (!isBox && !isStroke) return null;
  const region = isBox ? { box } : { stroke: { points, width: isShare(stroke.width) ? stroke.width : STROKE_WIDTH } };
  return { target: data.target, region, peer: typeof data.peer === 'string' ? data.peer : null };
}

/** An SVG path in a square of 1 by 1. */
export function pathOf(region) {
  if (region.box) {
    const { x, y, width, height } = region.box;
    return `M${x} ${y}h${width}v${height}h${-width}z`;
  }
  return `M${region.stroke.points.map(([x, y]) => `${x} ${y}`).join('L')}`;
}
