// SPDX-License-Identifier: Apache-2.0
// What two browsers say to each other about a direct connection: docs/meet.md, "From browser to browser".
import { Track } from 'livekit-client';

/** Whoever has this attribute allows it; its value is the key that the other seals messages with. */
export const ALLOWS = 'meet.direct';
/** The last message to the other, sealed. The attribute is overwritten, so the last one is all there is. */
export const SAYS = 'meet.direct.says';

/** In the order of the transceivers: both sides know what comes in which. */
export const SOURCES = [
  Track.Source.Microphone,
  Track.Source.Camera,
  Track.Source.ScreenShare,
  Track.Source.ScreenShareAudio,
] as const;
export type Source = (typeof SOURCES)[number];

export function isPicture(source: Source): boolean {
  return source === Track.Source.Camera || source === Track.Source.ScreenShare;
}

export const isSource = (source: Track.Source): source is Source =>
  (SOURCES as readonly Track.Source[]).includes(source);

/** offer → answer → taken (I see and hear you: no need to send by the server) → leaving → left (by the server again). */
export const PHASES = ['offer', 'answer', 'taken', 'leaving', 'left'] as const;
export type Phase = (typeof PHASES)[number];

export interface Message {
  /** Of the attempt: what belongs to an older one is passed over. */
  id: string;
  phase: Phase;
  sdp?: string;
}

export function readMessage(text: string): Message | null {
  let said: Record<string, unknown>;
  try {
    said = { ...(JSON.parse(text) as object) };
  } catch {
    return null;
  }
  const { id, sdp } = said;
  const phase = PHASES.find((known) => known === said['phase']);
  if (typeof id !== 'string' || !phase) return null;
  return typeof sdp === 'string' ? { id, phase, sdp } : { id, phase };
}

/** Why media goes by the server. */
export type Reason = 'off' | 'encrypted' | 'alone' | 'many' | 'theirs' | 'aic' | 'recording' | 'unable' | '';

export interface Circumstances {
  able: boolean;
  encrypted: boolean;
  mine: boolean;
  theirs: boolean;
  others: number;
  /** The other is a person, no agent or phone line. */
  person: boolean;
  recording: boolean;
  /** Somebody has asked for AI compression. */
  aic: boolean;
}

export function reasonFor(c: Circumstances): Reason {
  if (!c.able) return 'unable';
  if (c.encrypted) return 'encrypted';
  if (!c.mine) return 'off';
  if (c.others === 0) return 'alone';
  if (c.others > 1 || !c.person) return 'many';
  if (c.recording) return 'recording';
  if (c.aic) return 'aic';
  return c.theirs ? '' : 'theirs';
}

/** The name of a direct track among the rates of all tracks. */
export const rateOf = (source: Track.Source, received: boolean) =>
  `direct ${source} ${received ? 'in' : 'out'}`;
