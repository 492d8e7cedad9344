// SPDX-License-Identifier: Apache-2.0
import {
  usePagination,
  useSpeakingParticipants,
  useTracks,
  type TrackReferenceOrPlaceholder,
} from '@livekit/components-react';
import { Track } from 'livekit-client';
import { useState } from 'react';
import type { Reports } from '../aic/useAicReports';
import type { Layout } from '../room/panels';
import { columnsFor } from './columns';
import { Pager } from './Pager';
import { Tile } from './Tile';
import { useFit } from './useFit';
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
  const [measured, fit] = useFit();
  // LiveKit's own: who speaks comes to the first page, the others stay where they are.
  const pages = usePagination(fit.page, tracks);
  const count = pages.totalPageCount;

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
  if (large) {
    const small = tracks.filter((ref) => ref !== large);
    return (
      <div className="stage stage-focus" data-layout="focus">
        {tile(large)}
        {small.length > 0 && <div className="strip">{small.map(tile)}</div>}
      </div>
    );
  }
  const shown = count > 1 ? pages.tracks : tracks;
  const columns = count > 1 ? Math.min(columnsFor(fit.page), fit.columns) : columnsFor(tracks.length);
  return (
    <div className="stage-pages" ref={measured}>
      <div className={`stage stage-grid columns-${columns}`} data-layout="grid">
        {shown.map(tile)}
      </div>
      {count > 1 && (
        <Pager
          page={pages.currentPage}
          pages={count}
          onTurn={(step) => pages.setPage(((pages.currentPage - 1 + step + count) % count) + 1)}
        />
      )}
    </div>
  );
}
