// SPDX-License-Identifier: Apache-2.0
import { usePagination, type TrackReferenceOrPlaceholder } from '@livekit/components-react';
import type { ReactNode } from 'react';
import { columnsFor, fitOf } from './columns';
import { Pager } from './Pager';
import { useFit } from './useFit';

interface Props {
  tracks: TrackReferenceOrPlaceholder[];
  tile: (ref: TrackReferenceOrPlaceholder) => ReactNode;
}

/** All alike, in pages of as many as there is room for. */
export function Grid({ tracks, tile }: Props) {
  const [measured, fit] = useFit(fitOf);
  // LiveKit's own: who speaks comes to the first page, the others stay where they are.
  const pages = usePagination(fit.page, tracks);
  const count = pages.totalPageCount;
  const shown = count > 1 ? pages.tracks : tracks;
  const columns = count > 1 ? Math.min(columnsFor(fit.page), fit.columns) : columnsFor(tracks.length);
  return (
    <div className="stage-pages" ref={measured}>
      <div className={`stage stage-grid columns-${columns}${count > 1 ? ' paged' : ''}`} data-layout="grid">
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
