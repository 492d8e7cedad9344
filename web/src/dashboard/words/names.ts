// SPDX-License-Identifier: Apache-2.0
// What the server's words mean to people.

const SOURCES: Record<string, string> = {
  camera: 'Camera',
  microphone: 'Microphone',
  screen_share: 'Screen',
  screen_share_audio: 'Sound of the screen',
};

export function sourceText(track: { source: string; kind: string; name: string }): string {
  return SOURCES[track.source] ?? (track.name || (track.kind === 'video' ? 'Video' : 'Sound'));
}

const CODECS: Record<string, string> = { 'audio/red': 'Opus, sent twice (RED)', 'audio/opus': 'Opus' };

export const codecText = (mime: string): string =>
  CODECS[mime.toLowerCase()] ?? (mime.replace(/^(audio|video)\//, '') || '–');

/** Of a person, whose name may be empty. */
export const personText = ({ name, identity }: { name: string; identity: string }): string =>
  name || identity;

const LIMITS: Record<string, string> = {
  start: 'just begun, nothing is measured yet',
  delay: 'queues grew: the connection is full',
  loss: 'packets get lost',
  remb: 'the receiver said so',
  probed: 'as much as a probe showed',
  demand: 'more was never needed',
  silence: 'no feedback comes',
  ceiling: 'the server’s own ceiling',
};

export const limitText = (limit: string): string => LIMITS[limit] ?? limit.replaceAll('_', ' ');

const FALLBACKS: Record<string, string> = {
  late: 'frames came too late',
  silent: 'AI Core said nothing',
  broken: 'the connection broke',
  refused: 'AI Core had no budget',
  draining: 'AI Core was told to end',
  quality: 'quality was predicted too low',
};

export const fallbackText = (reason: string): string => FALLBACKS[reason] ?? reason.replaceAll('_', ' ');

const STATES: Record<string, string> = {
  active: 'compressed',
  fallback: 'native again',
  idle: 'native',
};

export const aicStateText = (state: string): string => STATES[state] ?? state.replaceAll('_', ' ');

/** "3 late, 1 refused" with the largest first; '' without any. */
export function fallbacksText(fallbacks: Readonly<Record<string, number>>): string {
  return Object.entries(fallbacks)
    .filter(([, n]) => n > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, n]) => `${n} × ${fallbackText(reason)}`)
    .join(', ');
}

/** "session.sign_in" → "session: sign in" */
export const actionText = (action: string): string => action.replace('.', ': ').replaceAll('_', ' ');
