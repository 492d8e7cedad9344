// SPDX-License-Identifier: Apache-2.0
import { Link } from 'wouter';
import type { Schemas } from '../api/client';
import { Empty } from '../parts/Empty';
import { List } from '../parts/List';
import { Pill, type Tone } from '../parts/Pill';
import type { Column } from '../parts/Table';
import { to } from '../shell/places';
import { bpsText, msText, NOTHING, shareText } from '../words/format';
import { limitText, personText, sourceText } from '../words/names';
import { Kick, Move, SendMessage } from './roomActions';
import { useLinks, usePeople } from './useRoom';

type Room = Schemas['Room'];
type Person = Schemas['Participant'];

export const QUALITY: Record<Person['quality'], Tone> = {
  excellent: 'good',
  good: 'good',
  poor: 'warn',
  lost: 'bad',
};

function Who({ room, person }: { room: Room; person: Person }) {
  return (
    <span className="who">
      <Link href={to('rooms', room.sid, 'people', person.sid)}>{personText(person)}</Link>
      {person.name !== '' && person.name !== person.identity && (
        <span className="note">{person.identity}</span>
      )}
      {person.kind !== 'standard' && <Pill>{person.kind}</Pill>}
      {person.hidden && <Pill>hidden</Pill>}
    </span>
  );
}

function Sends({ room, person }: { room: Room; person: Person }) {
  if (person.tracks.length === 0) return <>{NOTHING}</>;
  return (
    <span className="who">
      {person.tracks.map((track) => (
        <span key={track.sid}>
          <Link href={to('rooms', room.sid, 'tracks', track.sid)}>{sourceText(track)}</Link>{' '}
          <span className="note">{track.muted ? 'muted' : bpsText(track.in_bps)}</span>
        </span>
      ))}
    </span>
  );
}

/** Who is in the room, what they send and what their connection carries. */
export function PeopleTable({ room }: { room: Room }) {
  const people = usePeople(room.sid);
  const links = useLinks(room.sid);
  const linkOf = new Map(links.rows?.map((link) => [link.participant, link]));
  const columns: readonly Column<Person>[] = [
    { head: 'Who', cell: (person) => <Who room={room} person={person} /> },
    {
      head: 'Connection',
      cell: (person) => (
        <Pill tone={QUALITY[person.quality]}>
          {person.state === 'active' ? person.quality : person.state}
        </Pill>
      ),
    },
    { head: 'Sends', cell: (person) => <Sends room={room} person={person} /> },
    {
      head: 'Gets',
      number: true,
      cell: ({ sid }) => {
        const link = linkOf.get(sid);
        return link ? bpsText(link.video_bps + link.audio_bps) : NOTHING;
      },
    },
    {
      head: 'Loss, round trip',
      number: true,
      cell: ({ sid }) => {
        const link = linkOf.get(sid);
        return link ? (
          <span title={limitText(link.limited_by)}>
            {shareText(link.loss)}, {msText(link.rtt_ms)}
          </span>
        ) : (
          NOTHING
        );
      },
    },
    {
      head: 'Actions',
      cell: (person) => (
        <span className="actions">
          <SendMessage room={room} person={person} />
          <Move room={room} person={person} />
          <Kick room={room} person={person} />
        </span>
      ),
    },
  ];
  return (
    <List
      caption="People in this room"
      pages={people}
      columns={columns}
      keyOf={(person) => person.sid}
      empty={
        <Empty title="Nobody is in it.">
          <p>An empty room ends by itself after a while.</p>
        </Empty>
      }
    />
  );
}
