// SPDX-License-Identifier: Apache-2.0
// From counters of bytes to rates, and to what would have come without AIC. Pure functions.

/** One look at the counters of all tracks. */
export interface Look {
  atMs: number;
  /** Bytes so far by track: sid, sent or received, and the share that AIC saves of it. */
  tracks: ReadonlyMap<string, { bytes: number; received: boolean; saved: number }>;
}

export interface Sample {
  atMs: number;
  downKbps: number;
  upKbps: number;
  /** What would come without AIC. */
  plainKbps: number;
}

export interface Rates {
  sample: Sample;
  byTrack: ReadonlyMap<string, number>;
}

export function ratesBetween(before: Look, now: Look): Rates {
  const byTrack = new Map<string, number>();
  const ms = Math.max(1, now.atMs - before.atMs);
  const sample: Sample = { atMs: now.atMs, downKbps: 0, upKbps: 0, plainKbps: 0 };
  for (const [sid, track] of now.tracks) {
    const old = before.tracks.get(sid);
    if (!old || old.bytes > track.bytes) continue; // it is new, or began again
    const kbps = ((track.bytes - old.bytes) * 8) / ms;
    byTrack.set(sid, kbps);
    if (track.received) {
      sample.downKbps += kbps;
      sample.plainKbps += kbps / (1 - Math.min(track.saved, 0.98));
    } else {
      sample.upKbps += kbps;
    }
  }
  return { sample, byTrack };
}

/** Share of the bytes that AIC has saved over some time, 0 to 1. */
export function savedOver(samples: readonly Sample[]): number {
  const plain = samples.reduce((sum, s) => sum + s.plainKbps, 0);
  const down = samples.reduce((sum, s) => sum + s.downKbps, 0);
  return plain > 0 ? Math.max(0, 1 - down / plain) : 0;
}

export function kbpsText(kbps: number): string {
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbps` : `${Math.round(kbps)} kbps`;
}
