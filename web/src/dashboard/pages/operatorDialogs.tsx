// SPDX-License-Identifier: Apache-2.0
import { useState } from 'react';
import { api, take, type Schemas } from '../api/client';
import { useAct } from '../api/useAct';
import { Choice } from '../parts/Choice';
import { Confirm } from '../parts/Confirm';
import { Field } from '../parts/Field';

type Operator = Schemas['Operator'];
type Role = Schemas['Role'];

const ROLES: readonly (readonly [Role, string])[] = [
  ['viewer', 'viewer: sees everything but secrets'],
  ['admin', 'admin: changes things as well'],
];

export function AddOperator() {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const act = useAct('operators');
  const add = async () => {
    await act(take(api.POST('/api/v1/operators', { body: { name: name.trim(), role, password } })));
    setName('');
    setPassword('');
  };
  return (
    <Confirm label="New operator" title="A new operator" does="Add" main act={add}>
      <Field
        label="Name"
        value={name}
        required
        pattern="[a-z0-9][a-z0-9._@\-]{0,62}"
        title="small letters, digits, and . _ @ - inside"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        hint="Small letters and digits; . _ @ - inside."
        onChange={setName}
      />
      <Choice label="Role" value={role} options={ROLES} onChange={setRole} />
      <Field
        label="First password"
        type="password"
        value={password}
        required
        minLength={10}
        maxLength={256}
        autoComplete="new-password"
        hint="Ten characters or more. They can change it here."
        onChange={setPassword}
      />
    </Confirm>
  );
}

export function ChangeOperator({ of }: { of: Operator }) {
  const [role, setRole] = useState<Role>(of.role);
  const [password, setPassword] = useState('');
  const act = useAct('operators');
  const body = { ...(role !== of.role && { role }), ...(password && { password }) };
  const change = async () => {
    await act(
      take(api.PATCH('/api/v1/operators/{operator}', { params: { path: { operator: of.name } }, body })),
    );
    setPassword('');
  };
  return (
    <Confirm label="Change" title={`Change ${of.name}`} does="Change" act={change}>
      <p>They are signed out everywhere.</p>
      <Choice label="Role" value={role} options={ROLES} onChange={setRole} />
      <Field
        label="New password"
        type="password"
        value={password}
        minLength={10}
        maxLength={256}
        autoComplete="new-password"
        hint="Empty: the one they have."
        onChange={setPassword}
      />
    </Confirm>
  );
}

export function RemoveOperator({ of }: { of: Operator }) {
  const act = useAct('operators');
  const params = { path: { operator: of.name } };
  return (
    <Confirm
      label="Remove"
      title={`Remove ${of.name}?`}
      does="Remove"
      danger
      act={() => act(take(api.DELETE('/api/v1/operators/{operator}', { params })))}
    >
      <p>They are signed out everywhere and cannot sign in again. What they did stays in the audit log.</p>
    </Confirm>
  );
}
