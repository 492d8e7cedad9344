// SPDX-License-Identifier: Apache-2.0
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { api, take, type Schemas } from '../api/client';
import { LIVE } from '../api/queries';
import { NodeMap } from '../charts/NodeMap';
import { Ago } from '../parts/Ago';
import { Card } from '../parts/Card';
import { Choice } from '../parts/Choice';
import { Empty } from '../parts/Empty';
import { List } from '../parts/List';
import { Loaded } from '../parts/Loaded';
import { PageHead } from '../parts/PageHead';
import { Pill, type Tone } from '../parts/Pill';
import { Table, type Column } from '../parts/Table';
import { usePages } from '../parts/usePages';
import { to } from '../shell/places';
import { bytesText, countText, msText, shareText } from '../words/format';
import { edgesOf, placeText, trafficText } from '../words/map';

type Node = Schemas['Node'];
type Route = Awaited<ReturnType<typeof readRoutes>>['rows'][number];

const TONES: Record<Node['state'], Tone> = { serving: 'good', draining: 'warn', lost: 'bad' };

/** @param node  '' = this one */
async function readRoutes(node: string, after: string | number | undefined) {
  const query = { limit: 200, ...(node && { node }), ...(after && { after: String(after) }) };
  const { routes, next } = await take(api.GET('/api/v1/routes', { params: { query } }));
  return { rows: routes, next };
}

const NODE_COLUMNS: readonly Column<Node>[] = [
  {
    head: 'Node',
    cell: (node) => (
      <span className="who">
        <b className="mono node-id">{node.id}</b>
        <span className="note">
          {[node.self && 'this one', node.region, node.version].filter(Boolean).join(', ')}
        </span>
        {node.started_us !== null && (
          <span className="note">
            started <Ago atMs={node.started_us / 1000} />
          </span>
        )}
      </span>
    ),
  },
  { head: 'State', cell: ({ state }) => <Pill tone={TONES[state]}>{state}</Pill> },
  { head: 'Rooms', number: true, cell: ({ rooms }) => countText(rooms) },
  { head: 'People', number: true, cell: ({ participants }) => countText(participants) },
  { head: 'In, out', number: true, cell: trafficText },
  {
    head: 'Processor',
    number: true,
    cell: ({ cpu, load, workers, loop_lag_ms: turn }) =>
      cpu === null ? (
        shareText(load)
      ) : (
        <>
          <span title={`${workers} media workers`}>{cpu.toFixed(2)} cores</span>
          <br />
          <span className="note" title="the longest of a media worker: media waits as long">
            turns of {msText(turn)}
          </span>
        </>
      ),
  },
  { head: 'Away', number: true, cell: (node) => (node.self ? 'here' : msText(node.rtt_ms)) },
  { head: 'Memory', number: true, cell: (node) => bytesText(node.memory_bytes) },
];

const ROUTE_COLUMNS: readonly Column<Route & { here: boolean }>[] = [
  {
    head: 'Room',
    cell: ({ sid, room, here }) => (here ? <Link href={to('rooms', sid)}>{room}</Link> : room),
  },
  { head: 'Node', cell: ({ node }) => <span className="mono">{node}</span> },
  {
    head: 'What is there',
    cell: ({ kind }) => (kind === 'home' ? 'the room lives there' : 'people of it are there'),
  },
  { head: 'Since', cell: (route) => <Ago atMs={route.since_us / 1000} /> },
];

export function Nodes() {
  const query = useQuery({ queryKey: ['nodes'], queryFn: () => take(api.GET('/api/v1/nodes')), ...LIVE });
  const [chosen, setChosen] = useState('');
  const nodes = query.data?.nodes ?? [];
  const others = nodes.filter(({ self }) => !self);
  const node = others.some(({ id }) => id === chosen) ? chosen : ''; // it may have ended
  const routes = usePages(['routes', node], (after) => readRoutes(node, after), { live: true });
  const shown = { ...routes, rows: routes.rows?.map((row) => ({ ...row, here: !node })) };
  return (
    <div className="page">
      <PageHead title="Nodes and routes">
        The servers that work together, by their last heartbeat, and which of them has which room. Another
        node’s own dashboard has more of its figures, and its rooms’ people.
      </PageHead>
      <Loaded query={query}>
        {({ nodes }) => (
          <Card title={nodes.length === 1 ? 'One node' : `${nodes.length} nodes`}>
            <NodeMap nodes={nodes} edges={edgesOf(routes.rows ?? [])} />
            <Table caption="Nodes" columns={NODE_COLUMNS} rows={nodes} keyOf={({ id }) => id} />
          </Card>
        )}
      </Loaded>
      <Card title={node ? 'Routes of another node' : 'Routes of this node'}>
        {others.length > 0 && (
          <Choice
            label="Rooms of which node"
            value={node}
            options={[
              ['', 'this one'],
              ...others.map(({ id, region }) => [id, placeText(id, region)] as const),
            ]}
            onChange={setChosen}
          />
        )}
        <List
          caption={node ? `Rooms of ${node}` : 'Rooms of this node'}
          pages={shown}
          columns={ROUTE_COLUMNS}
          keyOf={({ sid, node, kind }) => `${sid} ${node} ${kind}`}
          empty={
            <Empty title="No room is open.">
              <p>A room gets its node when the first one joins.</p>
            </Empty>
          }
        />
      </Card>
    </div>
  );
}
