// SPDX-License-Identifier: Apache-2.0
import { useState } from 'react';
import { api, take } from '../api/client';
import { useOperator } from '../api/useOperator';
import { Card } from '../parts/Card';
import { Fault } from '../parts/Fault';
import { Field } from '../parts/Field';
import { useSubmit } from '../parts/useSubmit';

export function OwnPassword() {
  const { name } = useOperator();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [done, setDone] = useState('');
  const { busy, fault, submit } = useSubmit(async () => {
    setDone('');
    await take(api.POST('/api/v1/session/password', { body: { current, new: next } }));
    setCurrent('');
    setNext('');
    setDone('Changed. Your other sessions have ended.');
  });
  return (
    <Card title="Your password">
      <form className="form narrow" onSubmit={submit}>
        <input type="hidden" name="username" autoComplete="username" value={name} readOnly />
        <Field
          label="The one you have"
          type="password"
          value={current}
          required
          maxLength={256}
          autoComplete="current-password"
          onChange={setCurrent}
        />
        <Field
          label="The new one"
          type="password"
          value={next}
          required
          minLength={10}
          maxLength={256}
          autoComplete="new-password"
          hint="Ten characters or more."
          onChange={setNext}
        />
        <Fault text={fault} />
        <p className="note" role="status">
          {done}
        </p>
        <div>
          <button type="submit" className="button button-do" disabled={busy}>
            {busy ? 'One moment…' : 'Change the password'}
          </button>
        </div>
      </form>
    </Card>
  );
}
