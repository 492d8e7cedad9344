// SPDX-License-Identifier: Apache-2.0
import { useRoomContext } from '@livekit/components-react';
import type { Room, Track } from 'livekit-client';
import { useEffect, useState } from 'react';
import type { DirectCall } from '../direct/DirectCall';
import { rateOf } from '../direct/words';
import { aicOf } from './attributes';
import { ratesBetween, type Look, type Sample } from './traffic';

export interface Traffic {
  samples: readonly Sample[];
  /** kbps by the track's sid. */
  rates: ReadonlyMap<string, number>;
}

const TICK_MS = 1000;
const SAMPLES_MAX = 120;

async function bytesOf(track: Track, received: boolean): Promise<number> {
  const report = await track.getRTCStatsReport();
  let bytes = 0;
  report?.forEach((entry: Record<string, unknown>) => {
    if (entry['type'] === (received ? 'inbound-rtp' : 'outbound-rtp')) {
      bytes += Number(entry[received ? 'bytesReceived' : 'bytesSent'] ?? 0);
    }
  });
  return bytes;
}

async function look(room: Room, direct: DirectCall): Promise<Look> {
  const tracks: [string, { bytes: number; received: boolean; saved: number }][] = [];
  for (const participant of [room.localParticipant, ...room.remoteParticipants.values()]) {
    const received = !participant.isLocal;
    for (const { track, trackSid } of participant.trackPublications.values()) {
      if (!track) continue;
      const saved = aicOf(participant.attributes, trackSid, room.localParticipant.attributes)?.saved ?? 0;
      tracks.push([trackSid, { bytes: await bytesOf(track, received), received, saved }]);
    }
  }
  for (const [source, flow] of direct.flows) {
    tracks.push([rateOf(source, true), { bytes: flow.bytesIn, received: true, saved: 0 }]);
    tracks.push([rateOf(source, false), { bytes: flow.bytesOut, received: false, saved: 0 }]);
  }
  return { atMs: performance.now(), tracks: new Map(tracks) };
}

/** How much is sent and received, once a second. */
export function useTraffic(direct: DirectCall): Traffic {
  const room = useRoomContext();
  const [traffic, setTraffic] = useState<Traffic>({ samples: [], rates: new Map() });
  useEffect(() => {
    let before: Look | null = null;
    let timer = 0;
    const end = new AbortController();
    const tick = async () => {
      const now = await look(room, direct).catch(() => null); // a track may end while it is looked at
      if (end.signal.aborted) return;
      if (before && now) {
        const { sample, byTrack } = ratesBetween(before, now);
        setTraffic((old) => ({ samples: [...old.samples, sample].slice(-SAMPLES_MAX), rates: byTrack }));
      }
      before = now ?? before;
      timer = window.setTimeout(() => void tick(), TICK_MS);
    };
    void tick();
    return () => {
      end.abort();
      window.clearTimeout(timer);
    };
  }, [room, direct]);
  return traffic;
}
