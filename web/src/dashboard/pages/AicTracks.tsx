// SPDX-License-Identifier: Apache-2.0
import { Link } from 'wouter';
import type { Schemas } from '../api/client';
import { Card } from '../parts/Card';
import { Pill } from '../parts/Pill';
import { Table, type Column } from '../parts/Table';
import { to } from '../shell/places';
import { bytesText, countText, msText, NOTHING, shareText } from '../words/format';
import { aicStateText, codecText, fallbacksText, fallbackText } from '../words/names';
import { useRoomAic } from './useRoom';

type AicTrack = Schemas['AicTrack'];

function State({ track }: { track: AicTrack }) {
  const good = track.state === 'active';
  return (
    <span className="who">
      <Pill tone={good ? 'good' : track.reason ? 'warn' : 'plain'}>{aicStateText(track.state)}</Pill>
      {track.reason && <span className="note">{fallbackText(track.reason)}</span>}
      {track.cap_kbps !== null && <span className="note">sender held at {track.cap_kbps} kbps</span>}
    </span>
  );
}

/** The tracks of a room that AI Core has to do with; nothing where there are none. */
export function AicTracks({ room }: { room: Schemas['Room'] }) {
  const { data } = useRoomAic(room.sid);
  if (!data || data.tracks.length === 0) return null;
  const columns: readonly Column<AicTrack>[] = [
    {
      head: 'Track of',
      cell: (track) => <Link href={to('rooms', room.sid, 'tracks', track.track)}>{track.identity}</Link>,
    },
    { head: 'Now', cell: (track) => <State track={track} /> },
    {
      head: 'Saved',
      number: true,
      cell: ({ saving }) =>
        saving.native_bytes > 0 ? `${shareText(saving.ratio)} (${bytesText(saving.saved_bytes)})` : NOTHING,
    },
    {
      head: 'Delay p50 / p95',
      number: true,
      cell: (track) => `${msText(track.latency_p50_ms)} / ${msText(track.latency_p95_ms)}`,
    },
    {
      head: 'Quality',
      number: true,
      cell: ({ vmaf }) => (vmaf === null ? NOTHING : `VMAF ${vmaf.toFixed(0)}`),
    },
    {
      head: 'Frames, late',
      number: true,
      cell: (track) => `${countText(track.frames)}, ${countText(track.late)}`,
    },
    { head: 'Went back', cell: (track) => fallbacksText(track.fallbacks) || 'never' },
    { head: 'Model', cell: (track) => `${codecText(track.codec)} ${track.model}` },
  ];
  return (
    <Card title="AI compression in this room">
      <Table
        caption="Tracks that AI Core has to do with"
        columns={columns}
        rows={data.tracks}
        keyOf={(track) => `${track.track} ${track.codec}`}
      />
    </Card>
  );
}
