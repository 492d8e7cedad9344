// SPDX-License-Identifier: Apache-2.0
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { api, take, type Schemas } from '../api/client';
import { useIsAdmin } from '../api/useOperator';
import { Ago } from '../parts/Ago';
import { Card } from '../parts/Card';
import { Empty } from '../parts/Empty';
import { Field } from '../parts/Field';
import { List } from '../parts/List';
import { Loaded } from '../parts/Loaded';
import { PageHead } from '../parts/PageHead';
import { Pill, type Tone } from '../parts/Pill';
import { Stat, Stats } from '../parts/Stat';
import type { Column } from '../parts/Table';
import { usePages } from '../parts/usePages';
import { bytesText, countText, NOTHING } from '../words/format';
import { ReplayMany, ReplayOne } from './replay';

type Event = Schemas['WebhookEvent'];
type Delivery = Event['deliveries'][number];

const TONES: Record<Delivery['state'], Tone> = {
  waiting: 'warn',
  delivered: 'good',
  refused: 'bad',
  expired: 'bad',
};

function Deliveries({ of }: { of: readonly Delivery[] }) {
  return (
    <span className="deliveries">
      {of.map(({ url, state, attempts, status }) => (
        <span key={url}>
          <Pill tone={TONES[state]}>{state}</Pill> <span className="mono">{url}</span>{' '}
          <span className="note">
            {attempts > 0 && `${countText(attempts)} ${attempts === 1 ? 'try' : 'tries'}`}
            {attempts > 0 && (status > 0 ? `, answered ${status}` : ', no answer')}
          </span>
        </span>
      ))}
    </span>
  );
}

function useEvents(room: string, waiting: boolean) {
  return usePages(
    ['webhooks', room, waiting],
    async (before) => {
      const query = {
        ...(room && { room }),
        ...(waiting && { waiting: '1' as const }),
        ...(before && { before: Number(before) }),
      };
      const { events, next } = await take(api.GET('/api/v1/webhooks', { params: { query } }));
      return { rows: events, next };
    },
    { live: true },
  );
}

export function Webhooks() {
  const [room, setRoom] = useState('');
  const [waiting, setWaiting] = useState(false);
  const admin = useIsAdmin();
  const outbox = useQuery({
    queryKey: ['webhooks'],
    queryFn: () => take(api.GET('/api/v1/webhooks', { params: { query: { limit: 1 } } })),
    meta: { live: true },
  });
  const events = useEvents(useDeferredValue(room.trim()), waiting);
  const columns: readonly Column<Event>[] = [
    { head: 'No.', number: true, cell: (event) => countText(event.seq) },
    { head: 'Event', cell: (event) => <b>{event.event.replaceAll('_', ' ')}</b> },
    { head: 'Room', cell: (event) => event.room || NOTHING },
    { head: 'Happened', cell: (event) => <Ago atMs={event.created_us / 1000} /> },
    { head: 'Deliveries', cell: (event) => <Deliveries of={event.deliveries} /> },
    ...(admin ? [{ head: 'Actions', cell: (event: Event) => <ReplayOne event={event} /> }] : []),
  ];
  return (
    <div className="page">
      <Loaded query={outbox}>
        {({ enabled, stats }) => (
          <>
            <PageHead title="Webhooks" actions={enabled && admin && <ReplayMany />}>
              What your apps are told of rooms. It is kept here until they have it.
            </PageHead>
            {enabled || stats.events > 0 ? (
              <>
                <Stats>
                  <Stat
                    label="Wait to be delivered"
                    tone={stats.waiting > 0 ? 'warn' : 'plain'}
                    value={countText(stats.waiting)}
                    note={`${countText(stats.events)} events kept, ${bytesText(stats.bytes)}`}
                  />
                  <Stat label="Delivered" value={countText(stats.delivered)} note="since the start" />
                  <Stat
                    label="Refused"
                    tone={stats.refused > 0 ? 'bad' : 'plain'}
                    value={countText(stats.refused)}
                    note="the app answered 4xx: look at its log"
                  />
                  <Stat
                    label="Failed tries"
                    value={countText(stats.failed_attempts)}
                    note="tried again by themselves"
                  />
                  <Stat
                    label="Given up"
                    tone={stats.expired + stats.dropped + stats.lost > 0 ? 'bad' : 'plain'}
                    value={countText(stats.expired + stats.dropped + stats.lost)}
                    note={`${countText(stats.expired)} too old, ${countText(stats.dropped)} too many, ${countText(stats.lost)} lost`}
                  />
                </Stats>
                <Card title="Events">
                  <div className="filters">
                    <Field
                      label="Room, its whole name"
                      type="search"
                      value={room}
                      maxLength={256}
                      onChange={setRoom}
                    />
                    <label className="check">
                      <input
                        type="checkbox"
                        checked={waiting}
                        onChange={(e) => setWaiting(e.target.checked)}
                      />
                      <span>Only what somebody has not got</span>
                    </label>
                  </div>
                  <List
                    caption="Events, newest first"
                    pages={events}
                    columns={columns}
                    keyOf={(event) => event.seq}
                    empty={
                      room || waiting ? (
                        <Empty title="No such event is kept." />
                      ) : (
                        <Empty title="Nothing has happened yet.">
                          <p>The first event comes when somebody joins a room.</p>
                        </Empty>
                      )
                    }
                  />
                </Card>
              </>
            ) : (
              <Empty title="No app is told anything.">
                <p>
                  Name the addresses of your apps under <code>webhook.urls</code> in the server’s
                  configuration; docs/webhooks.md has an example.
                </p>
              </Empty>
            )}
          </>
        )}
      </Loaded>
    </div>
  );
}
