/**
 * What the browser is asked to send: about two sharp pictures a second, 1280 on the long side.
 * Gemini looks once a second; everything above that is thrown away at the other end.
 */

export const LONG_SIDE = 1280;
const FRAMES_PER_SECOND = 2;
const BITRATE_BPS = 1_200_000;

/** How far a camera's picture must shrink so that its long side fits. Pure. */
export function scaleDownBy({ width = 0, height = 0 }) {
  return Math.max(1, Math.max(width, height) / LONG_SIDE);
}

/** The limits as an encoding of RTCRtpSendParameters. Pure. */
export function encodingFor(trackSettings) {
  return {
    maxFramerate: FRAMES_PER_SECOND,
    maxBitrate: BITRATE_BPS,
    scaleResolutionDownBy: scaleDownBy(trackSettings),
  };
}

async function tryParameters(sender, change) {
  const parameters = sender.getParameters();
  if (!parameters.encodings?.length) parameters.encodings = [{}];
  change(parameters);
  try {
    await sender.setParameters(parameters);
    return true;
  } catch {
    return false;
  }
}

/** Applies what this browser knows of the limits. Never raises: limits save cost, no more. */
export async function limitVideo(sender) {
  if (!sender.track || !sender.setParameters) return;
  const encoding = encodingFor(sender.track.getSettings?.() ?? {});
  const limit = (parameters) => Object.assign(parameters.encodings[0], encoding);
  // Some browsers refuse a dictionary with a preference they do not know.
  const whole = await tryParameters(sender, (parameters) => {
    limit(parameters);
    parameters.degradationPreference = 'maintain-resolution';
  });
  if (!whole) await tryParameters(sender, limit);
}
