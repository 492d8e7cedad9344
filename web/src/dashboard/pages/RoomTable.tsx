// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Schemas } from '../api/client';
import { Ago } from '../parts/Ago';
import { List } from '../parts/List';
import { Pill } from '../parts/Pill';
import type { Column } from '../parts/Table';
import type { Pages } from '../parts/usePages';
import { to } from '../shell/places';
import { bpsText, countText, shareText } from '../words/format';

type Room = Schemas['Room'];

const COLUMNS: readonly Column<Room>[] = [
  {
    head: 'Room',
    cell: (room) => (
      <span className="who">
        <Link href={to('rooms', room.sid)}>{room.name}</Link>
        {room.recording && <Pill tone="bad">recording</Pill>}
      </span>
    ),
  },
  {
    head: 'People',
    number: true,
    cell: (room) =>
      room.max_participants
        ? `${countText(room.participants)} of ${countText(room.max_participants)}`
        : countText(room.participants),
  },
  { head: 'Tracks', number: true, cell: (room) => countText(room.tracks) },
  { head: 'Comes in', number: true, cell: (room) => bpsText(room.in_bps) },
  { head: 'Goes out', number: true, cell: (room) => bpsText(room.out_bps) },
  {
    head: 'AI saves',
    number: true,
    cell: (room) => (room.saving.native_bytes > 0 ? shareText(room.saving.ratio) : '–'),
  },
  { head: 'Opened', cell: (room) => <Ago atMs={room.created_us / 1000} /> },
];

export function RoomTable({ rooms, empty }: { rooms: Pages<Room>; empty: ReactNode }) {
  return (
    <List caption="Open rooms" pages={rooms} columns={COLUMNS} keyOf={(room) => room.sid} empty={empty} />
  );
}
