// SPDX-License-Identifier: Apache-2.0
import { useVisualStableUpdate, type TrackReferenceOrPlaceholder } from '@livekit/components-react';
import { useState, type ReactNode } from 'react';
import { stripOf } from './columns';
import { Pager } from './Pager';
import { useFit } from './useFit';

interface Props {
  /** All in the call, who is shown large included. */
  tracks: TrackReferenceOrPlaceholder[];
  large: TrackReferenceOrPlaceholder;
  tile: (ref: TrackReferenceOrPlaceholder) => ReactNode;
}

/** The others, small, in pages of one row. */
export function Strip({ tracks, large, tile }: Props) {
  const [measured, fit] = useFit(stripOf);
  const [wanted, setWanted] = useState(0);
  // The order is kept over all: of a list that one leaves as another comes back, LiveKit's hook loses some.
  const ordered = useVisualStableUpdate(tracks, fit.page);
  const small = ordered.filter(
    ({ participant, source }) =>
      participant.identity !== large.participant.identity || source !== large.source,
  );
  const pages = Math.ceil(small.length / fit.page);
  const page = Math.min(wanted, Math.max(0, pages - 1)); // people may have left
  if (small.length === 0) return null;
  return (
    <div className="strip-pages">
      <div className="strip" ref={measured}>
        {small.slice(page * fit.page, (page + 1) * fit.page).map(tile)}
      </div>
      {pages > 1 && (
        <Pager page={page + 1} pages={pages} onTurn={(step) => setWanted((page + step + pages) % pages)} />
      )}
    </div>
  );
}
