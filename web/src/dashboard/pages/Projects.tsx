// SPDX-License-Identifier: Apache-2.0
import { useState } from 'react';
import type { Schemas } from '../api/client';
import { useIsAdmin } from '../api/useOperator';
import { Ago } from '../parts/Ago';
import { Card } from '../parts/Card';
import { Empty } from '../parts/Empty';
import { Fault } from '../parts/Fault';
import { PageHead } from '../parts/PageHead';
import { Pill, type Tone } from '../parts/Pill';
import { Table, type Column } from '../parts/Table';
import { dateText, NOTHING } from '../words/format';
import { MakeKey, RenameKey, RevokeKey, RotateKey, SecretDialog, type Made } from './keyDialogs';
import { useKeys } from './useKeys';

type Key = Schemas['Key'];

const TONES: Record<Key['state'], Tone> = { active: 'good', rotating: 'accent', revoked: 'bad' };

function State({ of }: { of: Key }) {
  return (
    <span className="who">
      <Pill tone={TONES[of.state]}>{of.state}</Pill>
      {of.state === 'rotating' && of.old_until_us !== null && (
        <span className="note">the old secret ends {dateText(of.old_until_us / 1000)}</span>
      )}
      {of.state === 'revoked' && of.revoked_us !== null && (
        <span className="note">
          <Ago atMs={of.revoked_us / 1000} />
        </span>
      )}
    </span>
  );
}

/** Keys by project, in the order in which they come; those of the configuration are a group of their own. */
function groupsOf(keys: readonly Key[]): [string, Key[]][] {
  const groups = new Map<string, Key[]>();
  for (const key of keys) {
    const name = key.source === 'config' ? '' : key.project;
    groups.set(name, [...(groups.get(name) ?? []), key]);
  }
  return [...groups];
}

export function Projects() {
  const [made, setMade] = useState<Made | null>(null);
  const [done, setDone] = useState('');
  const { rows, error } = useKeys();
  const admin = useIsAdmin();
  const columns: readonly Column<Key>[] = [
    { head: 'Key', cell: (key) => <span className="mono">{key.key}</span> },
    { head: 'State', cell: (key) => <State of={key} /> },
    {
      head: 'Made',
      cell: (key) => (key.created_us === null ? NOTHING : <Ago atMs={key.created_us / 1000} />),
    },
    { head: 'By', cell: (key) => key.created_by ?? NOTHING },
    {
      head: 'Secret',
      cell: (key) => (key.rotated_us === null ? 'the first' : <Ago atMs={key.rotated_us / 1000} />),
    },
    {
      head: 'Actions',
      cell: (key) =>
        key.source === 'dashboard' && key.state !== 'revoked' && admin ? (
          <span className="actions">
            <RotateKey of={key} onMade={setMade} />
            <RenameKey of={key} />
            <RevokeKey of={key} onDone={setDone} />
          </span>
        ) : (
          NOTHING
        ),
    },
  ];
  const ofConfig: readonly Column<Key>[] = columns.slice(0, 2);
  return (
    <div className="page">
      <PageHead title="Projects and keys" actions={admin && <MakeKey onMade={setMade} />}>
        An app lets its people in by tokens that it signs with an API key’s secret. Secrets are shown once.
      </PageHead>
      <p className="note" role="status">
        {done}
      </p>
      <Fault error={error} />
      {!rows && !error && <p className="note loading">Loading…</p>}
      {rows?.every(({ source }) => source === 'config') && (
        <Empty title="No key has been made here yet.">
          <p>
            {admin
              ? 'Make one for your app: then it can be rotated and revoked without touching the server.'
              : 'An admin can make one.'}
          </p>
        </Empty>
      )}
      {groupsOf(rows ?? []).map(([project, keys]) => (
        <Card key={project} title={project || 'Of the configuration file'}>
          {!project && (
            <p className="note">
              These stand under <code>keys</code> in the server’s configuration: change them there, then
              reload (SIGHUP).
            </p>
          )}
          <Table
            caption={`Keys ${project ? `of ${project}` : 'of the configuration file'}`}
            columns={project ? columns : ofConfig}
            rows={keys}
            keyOf={({ key }) => key}
          />
        </Card>
      ))}
      {made && <SecretDialog made={made} onClose={() => setMade(null)} />}
    </div>
  );
}
