// SPDX-License-Identifier: Apache-2.0
// From the server's samples to columns that are drawn. Pure functions.
import type { LayerChange } from './layers';

export interface Timed {
  at_us: number;
}

export interface Columns {
  /** Seconds since 1970. */
  times: number[];
  /** One column for each list that was given; null = it has no sample there. */
  columns: (number | null)[][];
}

/** One place without a sample is a busy server that came a little late, no gap: the value before holds. */
const withoutHoles = (column: readonly (number | null)[]) =>
  column.map((value, i) => (value === null && column[i + 1] !== null ? (column[i - 1] ?? null) : value));

/** Lists that were sampled at about the same times, on one axis: a step is one place on it. */
export function align<T extends Timed>(
  lists: readonly (readonly T[])[],
  stepS: number,
  valueOf: (sample: T) => number,
): Columns {
  const placeOf = (sample: T) => Math.round(sample.at_us / 1e6 / stepS);
  const places = [...new Set(lists.flatMap((list) => list.map(placeOf)))].sort((a, b) => a - b);
  const index = new Map(places.map((place, i) => [place, i]));
  const columns = lists.map((list) => {
    const column: (number | null)[] = places.map(() => null);
    for (const sample of list) column[index.get(placeOf(sample)) ?? 0] = valueOf(sample);
    return withoutHoles(column);
  });
  return { times: places.map((place) => place * stepS), columns };
}

interface LayerSample extends Timed {
  spatial: number;
  temporal: number;
  paused: boolean;
  why: string;
}

/** Samples that say the same one after the other are one stretch of time. */
export function changesOf(samples: readonly LayerSample[]): LayerChange[] {
  const changes: LayerChange[] = [];
  for (const { at_us, spatial, temporal, paused, why } of samples) {
    const last = changes.at(-1);
    const same =
      last?.spatial === spatial && last.temporal === temporal && last.paused === paused && last.why === why;
    if (!same) changes.push({ atMs: at_us / 1000, spatial, temporal, paused, why });
  }
  return changes;
}

/** The simulcast layers of a bit set: "low, high". */
export function layersText(bits: number): string {
  const names = ['low', 'medium', 'high'].filter((_, i) => bits & (1 << i));
  return names.join(', ') || '–';
}
