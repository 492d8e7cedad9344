// SPDX-License-Identifier: Apache-2.0
import { useState } from 'react';
import type { Theme } from '../../app/useTheme';
import { api, take, type Session } from '../api/client';
import { ApiError } from '../api/errors';
import { Fault } from '../parts/Fault';
import { Field } from '../parts/Field';
import { useSubmit } from '../parts/useSubmit';
import { GateBox } from '../shell/GateBox';
import { setUpToken } from '../words/link';

/** The first operator: by a link that the server wrote into its log, for a few minutes and for once. */
export function SetUp({ theme, onEnter }: { theme: Theme; onEnter: (session: Session) => void }) {
  const [token] = useState(() => setUpToken(location.hash));
  const [name, setName] = useState('admin');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const { busy, fault, submit } = useSubmit(async () => {
    if (password !== again) throw new ApiError(0, 'differ', 'The two passwords differ. Type them again.');
    const session = await take(api.POST('/api/v1/setup', { body: { token, name: name.trim(), password } }));
    history.replaceState(null, '', '/dashboard/'); // the token is used up
    onEnter(session);
  });
  if (!token) {
    return (
      <GateBox title="Not set up yet" theme={theme}>
        <p>Nobody can sign in, as there is no operator. The first one comes by a link that works once:</p>
        <ol className="consequences">
          <li>
            On the server, look for the line with <code>/dashboard/#setup=</code> in its log; or
          </li>
          <li>
            run <code>auralink operator setup</code> there, which makes a new link;
          </li>
          <li>open the link in this browser.</li>
        </ol>
      </GateBox>
    );
  }
  return (
    <GateBox title="Welcome" theme={theme}>
      <p className="note">You become the first operator of this server, with all rights.</p>
      <form className="form" onSubmit={submit}>
        <Field
          label="Name"
          value={name}
          required
          pattern="[a-z0-9][a-z0-9._@\-]{0,62}"
          title="small letters, digits, and . _ @ - inside"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          hint="Small letters and digits; . _ @ - inside."
          onChange={setName}
        />
        <Field
          label="Password"
          type="password"
          value={password}
          required
          minLength={10}
          maxLength={256}
          autoComplete="new-password"
          hint="Ten characters or more; four random words are good."
          onChange={setPassword}
        />
        <Field
          label="The password again"
          type="password"
          value={again}
          required
          maxLength={256}
          autoComplete="new-password"
          onChange={setAgain}
        />
        <Fault text={fault} />
        <button className="main-button" type="submit" disabled={busy}>
          {busy ? 'One moment…' : 'Make the first operator'}
        </button>
      </form>
    </GateBox>
  );
}
