// SPDX-License-Identifier: Apache-2.0
import { useState } from 'react';
import type { Theme } from '../../app/useTheme';
import { api, take, type Session } from '../api/client';
import { Fault } from '../parts/Fault';
import { Field } from '../parts/Field';
import { useSubmit } from '../parts/useSubmit';
import { GateBox } from '../shell/GateBox';

export function SignIn({ theme, onEnter }: { theme: Theme; onEnter: (session: Session) => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const { busy, fault, submit } = useSubmit(async () =>
    onEnter(await take(api.POST('/api/v1/session', { body: { name: name.trim(), password } }))),
  );
  return (
    <GateBox title="Sign in" theme={theme}>
      <form className="form" onSubmit={submit}>
        <Field
          label="Name"
          value={name}
          required
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={63}
          onChange={setName}
        />
        <Field
          label="Password"
          type="password"
          value={password}
          required
          autoComplete="current-password"
          maxLength={256}
          onChange={setPassword}
        />
        <Fault text={fault} />
        <button className="main-button" type="submit" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      <p className="note">
        Forgotten it? An admin gives you a new one under Operators, or whoever has the server’s command line
        by <code>auralink operator</code>.
      </p>
    </GateBox>
  );
}
