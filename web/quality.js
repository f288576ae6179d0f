/**
 * What getStats says, in the few numbers that a person can use. Pure.
 *
 * `measure(reports, before, nowMs)` takes the plain stats objects of one moment and the result of
 * the moment before (or null), because rates are differences.
 */

export const Grade = Object.freeze({ NONE: 'none', GOOD: 'good', FAIR: 'fair', POOR: 'poor' });

/** Grade bounds: round trip and jitter in ms, loss in percent of the last interval. */
const FAIR = Object.freeze({ roundTripMs: 250, lossPercent: 2, jitterMs: 40 });
const POOR = Object.freeze({ roundTripMs: 600, lossPercent: 8, jitterMs: 100 });

const ofType = (reports, type) => reports.filter((report) => report.type === type);
const toMs = (seconds) => (Number.isFinite(seconds) ? Math.round(seconds * 1000) : null);

function chosenPair(reports) {
  const transport = ofType(reports, 'transport').find((one) => one.selectedCandidatePairId);
  const pairs = ofType(reports, 'candidate-pair');
  const chosen = pairs.find((pair) => pair.id === transport?.selectedCandidatePairId);
  return chosen ?? pairs.find((pair) => pair.nominated && pair.state === 'succeeded');
}

function counters(reports, nowMs) {
  const inbound = ofType(reports, 'inbound-rtp').find((report) => report.kind === 'audio');
  const video = ofType(reports, 'outbound-rtp').find((report) => report.kind === 'video');
  const sent = ofType(reports, 'outbound-rtp').reduce((sum, one) => sum + (one.bytesSent ?? 0), 0);
  return {
    atMs: nowMs,
    bytesSent: sent,
    framesSent: video?.framesSent ?? video?.framesEncoded ?? 0,
    received: inbound?.packetsReceived ?? 0,
    lost: inbound?.packetsLost ?? 0,
  };
}

function rates(now, before) {
  const seconds = before === null ? 0 : (now.atMs - before.atMs) / 1000;
  if (seconds <= 0 || now.bytesSent < before.bytesSent) {
    return { sendKbps: null, framesPerSecond: null, lossPercent: null };
  }
  const lost = Math.max(0, now.lost - before.lost);
  const expected = lost + Math.max(0, now.received - before.received);
  return {
    sendKbps: Math.round(((now.bytesSent - before.bytesSent) * 8) / seconds / 1000),
    framesPerSecond: Math.round(((now.framesSent - before.framesSent) / seconds) * 10) / 10,
    lossPercent: expected === 0 ? null : Math.round((lost / expected) * 1000) / 10,
  };
}

function graded(figures) {
  const exceeds = (bounds) =>
    Object.keys(bounds).some((key) => figures[key] !== null && figures[key] > bounds[key]);
  if (figures.roundTripMs === null && figures.lossPercent === null) return Grade.NONE;
  if (exceeds(POOR)) return Grade.POOR;
  return exceeds(FAIR) ? Grade.FAIR : Grade.GOOD;
}

/** {roundTripMs, lossPercent, jitterMs, sendKbps, framesPerSecond, audioLevel, grade, counters}. */
export function measure(reports, before, nowMs) {
  const inbound = ofType(reports, 'inbound-rtp').find((report) => report.kind === 'audio');
  const source = ofType(reports, 'media-source').find((report) => report.kind === 'audio');
  const now = counters(reports, nowMs);
  const figures = {
    roundTripMs: toMs(chosenPair(reports)?.currentRoundTripTime),
    jitterMs: toMs(inbound?.jitter),
    audioLevel: Number.isFinite(source?.audioLevel) ? source.audioLevel : null,
    ...rates(now, before?.counters ?? null),
  };
  return { ...figures, grade: graded(figures), counters: now };
}

/** Rows for the panel: [label, value in words]. */
export function rows(figures, firstAnswerMs) {
  const unit = (value, suffix) => (value === null ? '–' : `${value} ${suffix}`);
  return [
    ['Round trip', unit(figures.roundTripMs, 'ms')],
    ['Sound lost', unit(figures.lossPercent, '%')],
    ['Jitter', unit(figures.jitterMs, 'ms')],
    ['Sending', unit(figures.sendKbps, 'kbit/s')],
    ['Pictures sent', unit(figures.framesPerSecond, 'per second')],
    ['Microphone level', figures.audioLevel === null ? '–' : `${Math.round(figures.audioLevel * 100)} %`],
    ['First answer', unit(firstAnswerMs, 'ms')],
  ];
}
