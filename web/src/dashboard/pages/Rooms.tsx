// SPDX-License-Identifier: Apache-2.0
import { useDeferredValue, useState } from 'react';
import { Link } from 'wouter';
import { Card } from '../parts/Card';
import { Empty } from '../parts/Empty';
import { Field } from '../parts/Field';
import { PageHead } from '../parts/PageHead';
import { RoomTable } from './RoomTable';
import { useRooms } from './useRooms';

export function Rooms() {
  const [search, setSearch] = useState('');
  const rooms = useRooms(useDeferredValue(search.trim()));
  return (
    <div className="page">
      <PageHead title="Rooms">
        Calls that go on now. A room ends some time after the last one has left.
      </PageHead>
      <Card title="Open rooms">
        <div className="filters">
          <Field label="Search by name" type="search" value={search} maxLength={100} onChange={setSearch} />
        </div>
        <RoomTable
          rooms={rooms}
          empty={
            search ? (
              <Empty title="No open room has that in its name." />
            ) : (
              <Empty title="No room is open.">
                <p>
                  Open <a href="/">Meet</a> to start a call, or connect an app with an{' '}
                  <Link href="/projects">API key</Link>: rooms come into being with the first one who joins.
                </p>
              </Empty>
            )
          }
        />
      </Card>
    </div>
  );
}
