// SPDX-License-Identifier: Apache-2.0
import { Link } from 'wouter';
import type { Schemas } from '../api/client';
import { Ago } from '../parts/Ago';
import { Card } from '../parts/Card';
import { Empty } from '../parts/Empty';
import { Facts } from '../parts/Facts';
import { Loaded } from '../parts/Loaded';
import { PageHead } from '../parts/PageHead';
import { Pill } from '../parts/Pill';
import { Stat, Stats } from '../parts/Stat';
import { Table, type Column } from '../parts/Table';
import { to } from '../shell/places';
import { bpsText, countText, msText, NOTHING, shareText } from '../words/format';
import { codecText, limitText, personText, sourceText } from '../words/names';
import { Gone, isGone } from './Gone';
import { QUALITY } from './PeopleTable';
import { Received } from './Received';
import { Kick, Move, Mute, SendMessage } from './roomActions';
import { useLinks, usePerson, useRoom } from './useRoom';

type Person = Schemas['Participant'];
type Track = Schemas['Track'];

function Sends({ room, person }: { room: Schemas['Room']; person: Person }) {
  const columns: readonly Column<Track>[] = [
    {
      head: 'Track',
      cell: (track) => <Link href={to('rooms', room.sid, 'tracks', track.sid)}>{sourceText(track)}</Link>,
    },
    {
      head: 'State',
      cell: (track) => <Pill tone={track.muted ? 'warn' : 'good'}>{track.muted ? 'muted' : 'on'}</Pill>,
    },
    { head: 'Rate', number: true, cell: (track) => bpsText(track.in_bps) },
    {
      head: 'Codec',
      cell: (track) => `${codecText(track.codec)}${track.encrypted ? ', encrypted end to end' : ''}`,
    },
    {
      head: 'Size',
      number: true,
      cell: ({ width, height }) => (width && height ? `${width} × ${height}` : NOTHING),
    },
    { head: 'Seen by', number: true, cell: (track) => countText(track.subscribers) },
    { head: 'Actions', cell: (track) => <Mute room={room} track={track} person={person} /> },
  ];
  return person.tracks.length > 0 ? (
    <Table
      caption="Tracks that they send"
      columns={columns}
      rows={person.tracks}
      keyOf={(track) => track.sid}
    />
  ) : (
    <Empty title="They send nothing.">
      {!person.can_publish && <p>Their token does not let them (canPublish).</p>}
    </Empty>
  );
}

function Connection({ room, sid }: { room: string; sid: string }) {
  const link = useLinks(room).rows?.find(({ participant }) => participant === sid);
  if (!link) return null;
  return (
    <Stats>
      <Stat
        label="Their connection carries"
        value={link.estimate_bps > 0 ? bpsText(link.estimate_bps) : 'unknown'}
        note={limitText(link.limited_by)}
      />
      <Stat
        label="They get"
        value={bpsText(link.video_bps + link.audio_bps)}
        note={`all their videos would take ${bpsText(link.wanted_bps)}`}
      />
      <Stat
        label="Loss"
        tone={link.loss > 0.02 ? 'warn' : 'plain'}
        value={shareText(link.loss)}
        note="on the way to them"
      />
      <Stat label="Round trip" tone={link.rtt_ms > 300 ? 'warn' : 'plain'} value={msText(link.rtt_ms)} />
      <Stat
        label="Queue on the way"
        tone={link.overusing ? 'warn' : 'plain'}
        value={msText(link.queue_ms)}
        note={link.overusing ? 'it grows: the connection is full' : 'it does not grow'}
      />
    </Stats>
  );
}

function facts(person: Person): (readonly [string, string])[] {
  const rights = [
    person.can_publish && 'publish',
    person.can_subscribe && 'subscribe',
    person.can_publish_data && 'send data',
  ].filter((right) => right !== false);
  return [
    ['Identity', person.identity],
    ['AuraID', person.auraid ?? NOTHING],
    ['Kind', person.hidden ? `${person.kind}, hidden` : person.kind],
    ['SDK', person.sdk || NOTHING],
    ['Let in by the key', person.app_key],
    ['May', rights.join(', ') || 'nothing'],
    ...(person.metadata ? [['Metadata', person.metadata] as const] : []),
  ];
}

export function Participant({ room, sid }: { room: string; sid: string }) {
  const query = usePerson(room, sid);
  const home = useRoom(room).data;
  const back = to('rooms', room);
  if (isGone(query.error)) return <Gone what="This participant" back={back} backName="Back to the room" />;
  return (
    <div className="page">
      <Loaded query={query}>
        {(person) => (
          <>
            <PageHead
              title={personText(person)}
              crumbs={[
                { name: 'Rooms', path: '/rooms' },
                { name: home?.name ?? room, path: back },
              ]}
              actions={
                home && (
                  <>
                    <SendMessage room={home} person={person} />
                    <Move room={home} person={person} />
                    <Kick room={home} person={person} />
                  </>
                )
              }
            >
              <Pill tone={QUALITY[person.quality]}>
                {person.state === 'active' ? `connection: ${person.quality}` : person.state}
              </Pill>{' '}
              came <Ago atMs={person.joined_us / 1000} />, <span className="mono">{person.sid}</span>
            </PageHead>
            <Connection room={room} sid={sid} />
            {home && (
              <Card title="Sends">
                <Sends room={home} person={person} />
              </Card>
            )}
            <Received room={room} person={person} />
            <Card title="About">
              <Facts facts={facts(person)} />
            </Card>
          </>
        )}
      </Loaded>
    </div>
  );
}
