// SPDX-License-Identifier: Apache-2.0
import { Card } from '../parts/Card';
import { Ago } from '../parts/Ago';
import { Loaded } from '../parts/Loaded';
import { PageHead } from '../parts/PageHead';
import { Pill } from '../parts/Pill';
import { Stat, Stats } from '../parts/Stat';
import { bpsText, bytesText, countText, shareText } from '../words/format';
import { AicTracks } from './AicTracks';
import { Gone, isGone } from './Gone';
import { PeopleTable } from './PeopleTable';
import { CloseRoom, SendMessage } from './roomActions';
import { useRoom } from './useRoom';

const ROOMS = [{ name: 'Rooms', path: '/rooms' }];

export function Room({ sid }: { sid: string }) {
  const query = useRoom(sid);
  if (isGone(query.error)) return <Gone what="The room" back="/rooms" backName="All open rooms" />;
  return (
    <div className="page">
      <Loaded query={query}>
        {(room) => (
          <>
            <PageHead
              title={room.name}
              crumbs={ROOMS}
              actions={
                <>
                  <SendMessage room={room} />
                  <CloseRoom room={room} />
                </>
              }
            >
              Opened <Ago atMs={room.created_us / 1000} /> on node <span className="mono">{room.node}</span>,{' '}
              <span className="mono">{room.sid}</span> {room.recording && <Pill tone="bad">recording</Pill>}
            </PageHead>
            <Stats>
              <Stat
                label="People"
                value={countText(room.participants)}
                note={room.max_participants ? `of ${countText(room.max_participants)} at most` : 'no limit'}
              />
              <Stat
                label="Tracks"
                value={countText(room.tracks)}
                note={`from ${countText(room.publishers)} who publish`}
              />
              <Stat label="Comes in" value={bpsText(room.in_bps)} />
              <Stat label="Goes out" value={bpsText(room.out_bps)} />
              <Stat
                label="AI compression saves"
                tone={room.saving.saved_bytes > 0 ? 'good' : 'plain'}
                value={room.saving.native_bytes > 0 ? shareText(room.saving.ratio) : '–'}
                note={
                  room.saving.native_bytes > 0
                    ? bytesText(room.saving.saved_bytes)
                    : 'nothing compressed here'
                }
              />
            </Stats>
            <Card title="People">
              <PeopleTable room={room} />
            </Card>
            <AicTracks room={room} />
            {room.metadata && (
              <Card title="Metadata">
                <p className="mono">{room.metadata}</p>
              </Card>
            )}
          </>
        )}
      </Loaded>
    </div>
  );
}
