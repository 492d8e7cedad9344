// SPDX-License-Identifier: Apache-2.0
export const REACTIONS = [
  { sign: '👍', name: 'Thumbs up' },
  { sign: '👏', name: 'Applause' },
  { sign: '❤️', name: 'Heart' },
  { sign: '😂', name: 'Laughter' },
  { sign: '😮', name: 'Surprise' },
  { sign: '🎉', name: 'Celebration' },
] as const;

export type Reaction = (typeof REACTIONS)[number]['sign'];

/** Whatever else comes under the topic is nothing. */
export function readReaction(payload: Uint8Array): Reaction | null {
  if (payload.length > 16) return null;
  const text = new TextDecoder().decode(payload);
  return REACTIONS.find(({ sign }) => sign === text)?.sign ?? null;
}
