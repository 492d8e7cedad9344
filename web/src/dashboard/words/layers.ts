// SPDX-License-Identifier: Apache-2.0
// Which layer of a video somebody got, and why: docs/congestion.md.

export interface Layer {
  /** −1: nothing is sent. */
  spatial: number;
  temporal: number;
  paused: boolean;
  why: string;
}

export interface LayerChange extends Layer {
  atMs: number;
}

export interface Band extends LayerChange {
  toMs: number;
  /** Shares of the whole span, 0 to 1. */
  from: number;
  width: number;
}

interface Why {
  text: string;
  next: string;
}

const WHY: Record<string, Why> = {
  best_there_is: { text: 'the publisher sends nothing better', next: '' },
  as_wished: { text: 'the viewer asked for no more (size, quality or frame rate)', next: '' },
  bandwidth: {
    text: 'the next better layer does not fit the viewer’s connection',
    next: 'Look at what limits the estimate of the viewer’s connection.',
  },
  settling: { text: 'it fits again, but it had to go down a moment ago', next: 'Wait two seconds.' },
  no_room: {
    text: 'not even the lowest layer fits',
    next: 'Fewer tracks, or a better network for this viewer.',
  },
  disabled: { text: 'the viewer switched it off, or does not see it', next: '' },
  no_media: { text: 'the publisher sends nothing now (muted, or just begun)', next: '' },
  audio_always: { text: 'sound is always sent whole', next: '' },
  not_negotiated_yet: { text: 'the connection to the viewer is being made', next: '' },
};

export const whyText = (why: string): string => WHY[why]?.text ?? why.replaceAll('_', ' ');
export const nextOf = (why: string): string => WHY[why]?.next ?? '';

const SPATIAL = ['low', 'medium', 'high'];

/** "high, half frame rate", "paused". */
export function layerText({ spatial, temporal, paused, why }: Layer, temporalTop: number): string {
  if (paused) return 'paused';
  if (spatial < 0) return 'nothing';
  const name = SPATIAL[spatial] ?? `layer ${spatial}`;
  const slower = temporalTop - temporal;
  return temporal < 0 || slower <= 0 || why === 'best_there_is'
    ? name
    : `${name}, ${slower === 1 ? 'half' : 'a quarter of the'} frame rate`;
}

/** The highest frame rate that anybody got: what lower ones are compared with. */
export const topOf = (layers: readonly Layer[]): number =>
  Math.max(-1, ...layers.map(({ temporal }) => temporal));

/** The class that colours a band: 0 to 2 for layers, or none. */
export const levelOf = ({ spatial, paused }: Layer): string =>
  paused ? 'paused' : spatial < 0 ? 'none' : String(Math.min(spatial, 2));

/** Each change holds until the next one. */
export function bandsOf(changes: readonly LayerChange[], fromMs: number, toMs: number): Band[] {
  const span = Math.max(1, toMs - fromMs);
  return changes
    .map((change, i) => {
      const start = Math.max(change.atMs, fromMs);
      const end = Math.min(changes[i + 1]?.atMs ?? toMs, toMs);
      return { ...change, toMs: end, from: (start - fromMs) / span, width: (end - start) / span };
    })
    .filter((band) => band.width > 0);
}
