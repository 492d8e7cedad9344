// SPDX-License-Identifier: Apache-2.0
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { api, take } from '../api/client';
import { LIVE } from '../api/queries';
import { Chart } from '../charts/Chart';
import { Spark } from '../charts/Spark';
import { Card } from '../parts/Card';
import { Empty } from '../parts/Empty';
import { Loaded } from '../parts/Loaded';
import { PageHead } from '../parts/PageHead';
import { Stat, Stats } from '../parts/Stat';
import { bpsText, bytesText, countText, manyText, msText, shareText } from '../words/format';
import { align } from '../words/series';
import { RoomTable } from './RoomTable';
import { useRooms } from './useRooms';
import { useAic } from './useAic';

export function Overview() {
  const query = useQuery({
    queryKey: ['overview'],
    queryFn: () => take(api.GET('/api/v1/overview')),
    ...LIVE,
  });
  const aic = useAic();
  const rooms = useRooms('');
  return (
    <div className="page">
      <PageHead title="Overview">What this server carries now, and in the last ten minutes.</PageHead>
      <Loaded query={query}>
        {({ now, series, step_s }) => {
          const { times, columns } = align([series, series], step_s, () => 0);
          const column = (of: (s: (typeof series)[number]) => number) =>
            align([series], step_s, of).columns[0] ?? columns[0] ?? [];
          const inside = column((s) => s.in_bps);
          const out = column((s) => s.out_bps);
          const people = column((s) => s.participants);
          return (
            <>
              <Stats>
                <Stat label="Rooms" value={countText(now.rooms)} note={manyText(now.tracks, 'track')}>
                  <Spark values={column((s) => s.rooms)} />
                </Stat>
                <Stat
                  label="People"
                  value={countText(now.participants)}
                  note={`${countText(now.joins)} joins since the start`}
                >
                  <Spark values={people} />
                </Stat>
                <Stat label="Comes in" value={bpsText(now.in_bps)} note="from publishers">
                  <Spark values={inside} />
                </Stat>
                <Stat
                  label="Goes out"
                  value={bpsText(now.out_bps)}
                  note={`${countText(now.subscriptions)} subscriptions`}
                >
                  <Spark values={out} />
                </Stat>
                <Stat
                  label="AI saves"
                  tone={aic.data?.enabled && now.aic.saved_bytes > 0 ? 'good' : 'plain'}
                  value={aic.data?.enabled === false ? 'off' : shareText(now.aic.ratio)}
                  note={
                    aic.data?.enabled === false ? (
                      <Link href="/aic">how to switch it on</Link>
                    ) : (
                      `${bytesText(now.aic.saved_bytes)}, p95 ${msText(aic.data?.latency_p95_ms)}`
                    )
                  }
                />
                <Stat
                  label="Refused joins"
                  tone={now.joins_refused > 0 ? 'warn' : 'plain'}
                  value={countText(now.joins_refused)}
                  note={`${manyText(now.recordings, 'recording')} running, ${manyText(now.webhooks_waiting, 'webhook')} waiting`}
                />
              </Stats>
              <div className="columns">
                <Card title="Bandwidth">
                  <Chart
                    title="Bandwidth of the server"
                    times={times}
                    series={[
                      { label: 'goes out', values: out },
                      { label: 'comes in', values: inside },
                    ]}
                    format={bpsText}
                    atLeast={100_000}
                  />
                </Card>
                <Card title="People">
                  <Chart
                    title="People in rooms"
                    times={times}
                    series={[{ label: 'people', values: people }]}
                    format={(n) => countText(typeof n === 'number' ? Math.round(n) : n)}
                    atLeast={4}
                  />
                </Card>
              </div>
            </>
          );
        }}
      </Loaded>
      <Card title="Rooms" side={<Link href="/rooms">All rooms</Link>}>
        <RoomTable
          rooms={rooms}
          empty={
            <Empty title="Nobody is here.">
              <p>
                Open <a href="/">Meet</a> to be the first, or connect an app with an{' '}
                <Link href="/projects">API key</Link>.
              </p>
            </Empty>
          }
        />
      </Card>
    </div>
  );
}
