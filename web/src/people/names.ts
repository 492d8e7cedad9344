// SPDX-License-Identifier: Apache-2.0
import type { Participant } from 'livekit-client';

export function nameOf(participant: Participant): string {
  return participant.name || participant.identity || 'Somebody';
}

/** Up to two letters for who has no picture. */
export function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  const first = (word: string) => [...new Intl.Segmenter().segment(word)][0]?.segment ?? '';
  return [words.at(0) ?? '', words.length > 1 ? (words.at(-1) ?? '') : ''].map(first).join('').toUpperCase();
}

/** One of the avatar's colours, the same for a name everywhere. */
export function colourOf(name: string): number {
  let sum = 0;
  for (let at = 0; at < name.length; at++) sum = (sum * 31 + name.charCodeAt(at)) % 1009;
  return sum % 6;
}
