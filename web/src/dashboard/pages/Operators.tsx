// SPDX-License-Identifier: Apache-2.0
import { useQuery } from '@tanstack/react-query';
import { api, take, type Schemas } from '../api/client';
import { useIsAdmin, useOperator } from '../api/useOperator';
import { Ago } from '../parts/Ago';
import { Card } from '../parts/Card';
import { Loaded } from '../parts/Loaded';
import { PageHead } from '../parts/PageHead';
import { Pill } from '../parts/Pill';
import { Table, type Column } from '../parts/Table';
import { AddOperator, ChangeOperator, RemoveOperator } from './operatorDialogs';
import { OwnPassword } from './OwnPassword';

type Operator = Schemas['Operator'];

export function Operators() {
  const me = useOperator();
  const admin = useIsAdmin();
  const query = useQuery({ queryKey: ['operators'], queryFn: () => take(api.GET('/api/v1/operators')) });
  const columns: readonly Column<Operator>[] = [
    {
      head: 'Name',
      cell: ({ name }) => (
        <span className="who">
          <b>{name}</b>
          {name === me.name && <span className="note">that is you</span>}
        </span>
      ),
    },
    { head: 'Role', cell: ({ role }) => <Pill tone={role === 'admin' ? 'accent' : 'plain'}>{role}</Pill> },
    { head: 'Since', cell: (of) => <Ago atMs={of.created_us / 1000} /> },
    {
      head: 'Signed in last',
      cell: (of) => (of.seen_us === null ? 'never' : <Ago atMs={of.seen_us / 1000} />),
    },
    ...(admin
      ? [
          {
            head: 'Actions',
            cell: (of: Operator) =>
              of.name === me.name ? (
                <span className="note">ask another admin</span>
              ) : (
                <span className="actions">
                  <ChangeOperator of={of} />
                  <RemoveOperator of={of} />
                </span>
              ),
          },
        ]
      : []),
  ];
  return (
    <div className="page">
      <PageHead title="Operators" actions={admin && <AddOperator />}>
        Who may sign in here. Viewers see everything but secrets; admins change things, and the audit log says
        who did.
      </PageHead>
      <Card title="All of them">
        <Loaded query={query}>
          {({ operators }) => (
            <Table caption="Operators" columns={columns} rows={operators} keyOf={({ name }) => name} />
          )}
        </Loaded>
      </Card>
      <OwnPassword />
    </div>
  );
}
