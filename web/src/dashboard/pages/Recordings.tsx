// SPDX-License-Identifier: Apache-2.0
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { api, take, type Schemas } from '../api/client';
import { useAct } from '../api/useAct';
import { useIsAdmin } from '../api/useOperator';
import { Ago } from '../parts/Ago';
import { Card } from '../parts/Card';
import { Confirm } from '../parts/Confirm';
import { Empty } from '../parts/Empty';
import { List } from '../parts/List';
import { Loaded } from '../parts/Loaded';
import { PageHead } from '../parts/PageHead';
import { Pill, type Tone } from '../parts/Pill';
import type { Column } from '../parts/Table';
import { useNow } from '../parts/useNow';
import { usePages } from '../parts/usePages';
import { to } from '../shell/places';
import { bytesText, NOTHING, spanText } from '../words/format';

type Recording = Schemas['Recording'];

const TONES: Record<Recording['state'], Tone> = {
  starting: 'accent',
  active: 'bad',
  ending: 'accent',
  complete: 'good',
  failed: 'bad',
  aborted: 'warn',
  limit: 'warn',
};
const RUNS: readonly Recording['state'][] = ['starting', 'active', 'ending'];

function Stop({ of }: { of: Recording }) {
  const act = useAct('recordings', 'rooms', 'room');
  const path = { recording: of.id };
  return (
    <Confirm
      label="Stop"
      title="Stop this recording?"
      does="Stop"
      danger
      act={() => act(take(api.POST('/api/v1/recordings/{recording}/stop', { params: { path } })))}
    >
      <p>What it has until now is completed and kept. It cannot go on in the same file.</p>
    </Confirm>
  );
}

function Duration({ of }: { of: Recording }) {
  const now = useNow();
  if (of.started_us === null) return <>{NOTHING}</>;
  return <>{spanText((of.ended_us === null ? now : of.ended_us / 1000) - of.started_us / 1000)}</>;
}

function Files({ of }: { of: Recording }) {
  if (of.files.length === 0) return <>{bytesText(of.bytes)} so far</>;
  return (
    <span className="deliveries">
      {of.files.map(({ name, bytes, duration_us }) => (
        <span key={name}>
          <span className="mono">{name}</span>{' '}
          <span className="note">
            {bytesText(bytes)}, {spanText(duration_us / 1000)}
          </span>
        </span>
      ))}
    </span>
  );
}

export function Recordings() {
  const admin = useIsAdmin();
  const state = useQuery({
    queryKey: ['recordings'],
    queryFn: () => take(api.GET('/api/v1/recordings', { params: { query: { limit: 1 } } })),
  });
  const recordings = usePages(
    ['recordings', 'list'],
    async (after) => {
      const query = { ...(after && { after: String(after) }) };
      const { recordings: rows, next } = await take(api.GET('/api/v1/recordings', { params: { query } }));
      return { rows, next };
    },
    { live: true },
  );
  const columns: readonly Column<Recording>[] = [
    {
      head: 'Of',
      cell: (of) => (
        <span className="who">
          {RUNS.includes(of.state) && of.room_sid ? (
            <Link href={to('rooms', of.room_sid)}>{of.room}</Link>
          ) : (
            <b>{of.room}</b>
          )}
          <span className="note">{of.identity ? `${of.kind}: ${of.identity}` : of.kind}</span>
        </span>
      ),
    },
    {
      head: 'State',
      cell: (of) => (
        <span className="who">
          <Pill tone={TONES[of.state]}>{of.state === 'active' ? 'recording' : of.state}</Pill>
          {of.error && <span className="note">{of.error}</span>}
        </span>
      ),
    },
    { head: 'Started', cell: (of) => <Ago atMs={of.started_us === null ? null : of.started_us / 1000} /> },
    { head: 'Length', number: true, cell: (of) => <Duration of={of} /> },
    { head: 'Files', cell: (of) => <Files of={of} /> },
    ...(admin
      ? [{ head: 'Actions', cell: (of: Recording) => (RUNS.includes(of.state) ? <Stop of={of} /> : NOTHING) }]
      : []),
  ];
  return (
    <div className="page">
      <PageHead title="Recordings">Since the server’s start. Files lie in its recording folder.</PageHead>
      <Loaded query={state}>
        {({ enabled }) =>
          enabled ? (
            <Card title="Recordings">
              <List
                caption="Recordings, newest first"
                pages={recordings}
                columns={columns}
                keyOf={(of) => of.id}
                empty={
                  <Empty title="Nothing has been recorded.">
                    <p>
                      Your app starts recordings by LiveKit’s Egress API, or you by{' '}
                      <code>auralink egress start</code>.
                    </p>
                  </Empty>
                }
              />
            </Card>
          ) : (
            <Empty title="This server does not record.">
              <p>
                Set <code>record.folder</code> in its configuration to a folder that it may write, and start
                it anew; docs/recording.md has the steps.
              </p>
            </Empty>
          )
        }
      </Loaded>
    </div>
  );
}
