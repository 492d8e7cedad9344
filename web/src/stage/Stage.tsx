// SPDX-License-Identifier: Apache-2.0
import {
  useSpeakingParticipants,
  useTracks,
  type TrackReferenceOrPlaceholder,
} from '@livekit/components-react';
import { Track } from 'livekit-client';
import { useState } from 'react';
import type { Reports } from '../aic/useAicReports';
import type { Layout } from '../room/panels';
import { Grid } from './Grid';
import { Strip } from './Strip';
import { Tile } from './Tile';
import './stage.css';

interface Props {
  layout: Layout;
  reports: Reports;
  rates: ReadonlyMap<string, number>;
}

const SOURCES = [
  { source: Track.Source.Camera, withPlaceholder: true },
  { source: Track.Source.ScreenShare, withPlaceholder: false },
];

const keyOf = (ref: TrackReferenceOrPlaceholder) => `${ref.participant.identity} ${ref.source}`;

/** Who spoke last, of the others; nobody yet: ''. */
function useLastSpeaker(): string {
  const [last, setLast] = useState('');
  const now = useSpeakingParticipants().find((participant) => !participant.isLocal)?.identity;
  if (now && now !== last) setLast(now);
  return last;
}

export function Stage({ layout, reports, rates }: Props) {
  const tracks = useTracks(SOURCES, { onlySubscribed: false });
  const speaker = useLastSpeaker();
  const [pinned, setPinned] = useState('');

  const others = tracks.filter((ref) => !ref.participant.isLocal);
  const screen = tracks.findLast((ref) => ref.source === Track.Source.ScreenShare);
  const large =
    tracks.find((ref) => keyOf(ref) === pinned) ??
    screen ??
    (layout === 'speaker'
      ? (others.find((ref) => ref.participant.identity === speaker) ?? others[0] ?? tracks[0])
      : undefined);

  const tile = (ref: TrackReferenceOrPlaceholder) => (
    <Tile
      key={keyOf(ref)}
      trackRef={ref}
      reports={reports}
      rates={rates}
      pinned={keyOf(ref) === pinned}
      onPin={() => setPinned(keyOf(ref) === pinned ? '' : keyOf(ref))}
    />
  );
  if (!large) return <Grid tracks={tracks} tile={tile} />;
  return (
    <div className="stage stage-focus" data-layout="focus">
      {tile(large)}
      <Strip tracks={tracks} large={large} tile={tile} />
    </div>
  );
}
