// SPDX-License-Identifier: Apache-2.0
import { useDeferredValue, useState } from 'react';
import { api, take, type Schemas } from '../api/client';
import { Card } from '../parts/Card';
import { Choice } from '../parts/Choice';
import { Empty } from '../parts/Empty';
import { Field } from '../parts/Field';
import { List } from '../parts/List';
import { PageHead } from '../parts/PageHead';
import { Pill, type Tone } from '../parts/Pill';
import type { Column } from '../parts/Table';
import { usePages } from '../parts/usePages';
import { dateText, NOTHING } from '../words/format';
import { actionText } from '../words/names';

type Entry = Schemas['AuditEntry'];
type Action = Schemas['Action'];

const ACTIONS: readonly Action[] = [
  'session.sign_in',
  'session.sign_in_failed',
  'session.sign_out',
  'session.password',
  'operator.set_up',
  'operator.add',
  'operator.change',
  'operator.remove',
  'key.create',
  'key.rename',
  'key.rotate',
  'key.revoke',
  'room.close',
  'room.message',
  'participant.kick',
  'participant.move',
  'track.mute',
  'track.unmute',
  'webhook.replay',
  'recording.stop',
];
const CHOICES: readonly (readonly [Action | '', string])[] = [
  ['', 'anything'],
  ...ACTIONS.map((name) => [name, actionText(name)] as const),
];
const TONES: Partial<Record<Action, Tone>> = {
  'session.sign_in_failed': 'warn',
  'key.revoke': 'bad',
  'operator.remove': 'bad',
  'room.close': 'bad',
  'participant.kick': 'bad',
};

const COLUMNS: readonly Column<Entry>[] = [
  {
    head: 'When',
    cell: ({ at_us }) => (
      <time dateTime={new Date(at_us / 1000).toISOString()}>{dateText(at_us / 1000)}</time>
    ),
  },
  { head: 'Who', cell: ({ operator }) => (operator ? <b>{operator}</b> : 'nobody known') },
  { head: 'Did', cell: ({ action }) => <Pill tone={TONES[action] ?? 'plain'}>{actionText(action)}</Pill> },
  { head: 'To', cell: ({ target }) => target || NOTHING },
  { head: 'Details', cell: ({ detail }) => detail || NOTHING },
  { head: 'From', cell: ({ from }) => <span className="mono">{from || NOTHING}</span> },
];

export function Audit() {
  const [operator, setOperator] = useState('');
  const [action, setAction] = useState<Action | ''>('');
  const who = useDeferredValue(operator.trim());
  const entries = usePages(['audit', who, action], async (before) => {
    const query = {
      ...(who && { operator: who }),
      ...(action && { action }),
      ...(before && { before: Number(before) }),
    };
    const page = await take(api.GET('/api/v1/audit', { params: { query } }));
    return { rows: page.entries, next: page.next };
  });
  return (
    <div className="page">
      <PageHead title="Audit log">What operators did, newest first. Nothing is ever changed in it.</PageHead>
      <Card title="Entries">
        <div className="filters">
          <Field label="Operator" type="search" value={operator} maxLength={63} onChange={setOperator} />
          <Choice label="What was done" value={action} options={CHOICES} onChange={setAction} />
        </div>
        <List
          caption="The audit log"
          pages={entries}
          columns={COLUMNS}
          keyOf={({ id }) => id}
          empty={<Empty title="No entry fits." />}
        />
      </Card>
    </div>
  );
}
