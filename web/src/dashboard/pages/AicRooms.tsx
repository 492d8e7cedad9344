// SPDX-License-Identifier: Apache-2.0
import { Link } from 'wouter';
import type { Schemas } from '../api/client';
import { Card } from '../parts/Card';
import { Empty } from '../parts/Empty';
import { List } from '../parts/List';
import { Progress } from '../parts/Progress';
import type { Column } from '../parts/Table';
import { to } from '../shell/places';
import { bytesText, shareText } from '../words/format';
import { useRooms } from './useRooms';

type Room = Schemas['Room'];

const COLUMNS: readonly Column<Room>[] = [
  { head: 'Room', cell: (room) => <Link href={to('rooms', room.sid)}>{room.name}</Link> },
  {
    head: 'Saved',
    cell: ({ name, saving }) => (
      <span className="saved">
        <b>{shareText(saving.ratio)}</b>
        <Progress label={`Saved in ${name}`} share={saving.ratio} tone="good" />
      </span>
    ),
  },
  { head: 'Is sent', number: true, cell: ({ saving }) => bytesText(saving.sent_bytes) },
  { head: 'Natively', number: true, cell: ({ saving }) => bytesText(saving.native_bytes) },
  { head: 'Less', number: true, cell: ({ saving }) => bytesText(saving.saved_bytes) },
];

/** What is saved in each open room. */
export function AicRooms() {
  const rooms = useRooms('');
  const compressed = rooms.rows?.filter(({ saving }) => saving.native_bytes > 0);
  return (
    <Card title="By room">
      <List
        caption="What AI compression saves in each open room"
        pages={{ ...rooms, rows: compressed }}
        columns={COLUMNS}
        keyOf={(room) => room.sid}
        empty={
          <Empty title="Nothing is compressed just now.">
            <p>
              It begins some seconds after a camera is on and somebody watches it, who did not switch it off.
            </p>
          </Empty>
        }
      />
    </Card>
  );
}
