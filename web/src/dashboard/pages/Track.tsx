// SPDX-License-Identifier: Apache-2.0
import type { Schemas } from '../api/client';
import { Card } from '../parts/Card';
import { Empty } from '../parts/Empty';
import { Loaded } from '../parts/Loaded';
import { PageHead } from '../parts/PageHead';
import { Pill } from '../parts/Pill';
import { Stat, Stats } from '../parts/Stat';
import { to } from '../shell/places';
import { bpsText, countText, msText, NOTHING, shareText } from '../words/format';
import { codecText, personText, sourceText } from '../words/names';
import { layersText } from '../words/series';
import { Gone, isGone } from './Gone';
import { Mute } from './roomActions';
import { Subscribers } from './Subscribers';
import { TrackCharts } from './TrackCharts';
import { usePeople, useRoom, useTrack } from './useRoom';

type Published = Schemas['PublishedSample'];

function Published({ track, last }: { track: Schemas['Track']; last: Published | undefined }) {
  return (
    <Stats>
      <Stat
        label="Comes in"
        value={bpsText(last?.bps ?? track.in_bps)}
        note={
          track.kind === 'video' && last
            ? `layers: ${layersText(last.layers)}`
            : track.encrypted
              ? 'encrypted end to end'
              : undefined
        }
      />
      <Stat
        label="Loss on the way in"
        tone={(last?.loss ?? 0) > 0.02 ? 'warn' : 'plain'}
        value={shareText(last?.loss)}
        note={`jitter ${msText(last?.jitter_ms)}`}
      />
      <Stat label="Round trip" value={msText(last?.rtt_ms)} note="server and publisher" />
      <Stat label="Seen by" value={countText(track.subscribers)} />
      <Stat
        label="Codec"
        value={codecText(track.codec)}
        note={track.width && track.height ? `${track.width} × ${track.height}` : NOTHING}
      />
    </Stats>
  );
}

export function Track({ room, sid }: { room: string; sid: string }) {
  const query = useTrack(room, sid);
  const home = useRoom(room).data;
  const people = usePeople(room).rows;
  const owner = people?.find(({ tracks }) => tracks.some((track) => track.sid === sid));
  const nameOf = ({ participant, identity }: { participant: string; identity: string }) => {
    const person = people?.find((one) => one.sid === participant);
    return person ? personText(person) : identity;
  };
  const back = to('rooms', room);
  if (isGone(query.error)) return <Gone what="This track" back={back} backName="Back to the room" />;
  return (
    <div className="page">
      <Loaded query={query}>
        {({ track, step_s, complete, published, subscriptions, next }) => (
          <>
            <PageHead
              title={owner ? `${sourceText(track)} of ${personText(owner)}` : sourceText(track)}
              crumbs={[
                { name: 'Rooms', path: '/rooms' },
                { name: home?.name ?? room, path: back },
                ...(owner ? [{ name: personText(owner), path: to('rooms', room, 'people', owner.sid) }] : []),
              ]}
              actions={home && owner && <Mute room={home} track={track} person={owner} />}
            >
              <Pill tone={track.muted ? 'warn' : 'good'}>{track.muted ? 'muted' : 'on'}</Pill>{' '}
              <span className="mono">{track.sid}</span>
            </PageHead>
            {!complete && (
              <p className="note">
                The server keeps as many graphs as it may, so some who get this track have none
                (docs/limits.md).
              </p>
            )}
            <Published track={track} last={published.filter(({ backup }) => !backup).at(-1)} />
            <TrackCharts published={published} subscriptions={subscriptions} stepS={step_s} nameOf={nameOf} />
            <Card title={track.kind === 'video' ? 'Who gets which layer, and why' : 'Who gets it'}>
              {subscriptions.length > 0 ? (
                <Subscribers
                  room={room}
                  subscriptions={subscriptions}
                  video={track.kind === 'video'}
                  nameOf={nameOf}
                />
              ) : (
                <Empty title="Nobody gets this track.">
                  <p>Then nothing is sent for it, and its publisher may have paused it.</p>
                </Empty>
              )}
              {next && <p className="note">The first {subscriptions.length} who get it are shown.</p>}
            </Card>
          </>
        )}
      </Loaded>
    </div>
  );
}
