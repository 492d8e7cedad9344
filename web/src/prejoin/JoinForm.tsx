// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent } from 'react';
import type { Account } from '../account/useAccount';
import type { Address } from '../app/address';
import type { Choices } from './choices';
import { accountToken, guestToken, JoinError, roomOfToken, type Session } from './session';

interface Props {
  address: Address;
  choices: Choices;
  account: Account;
  onChange: (some: Partial<Choices>) => void;
  onSoon: () => void;
  onJoin: (session: Session) => void;
}

/** Into a room: by a name, as who is signed in, or with a token. */
export function JoinForm({ address, choices, account, onChange, onSoon, onJoin }: Props) {
  const [room, setRoom] = useState(address.room || 'demo');
  const [token, setToken] = useState('');
  const [passphrase, setPassphrase] = useState(address.passphrase);
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const { me, about } = account;
  const needsToken = !me && about?.guests === false;

  const join = async () => {
    const own = needsToken ? token.trim() : '';
    const into = needsToken ? roomOfToken(own) : room.trim();
    if (!into) throw new JoinError('That is no access token for a room: ask for a new one.');
    const give = () => (me ? accountToken(into) : guestToken(into, choices.name.trim()));
    onJoin({ ...choices, room: into, passphrase, token: own || (await give()) });
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setBusy(true);
    setFault('');
    join().catch((error: unknown) => {
      setBusy(false);
      setFault(error instanceof JoinError ? error.message : 'Something went wrong. Try again.');
    });
  };

  return (
    <form className="prejoin-form" onSubmit={submit}>
      {needsToken && (
        <label className="field">
          <span>Access token, from who invited you</span>
          <input
            value={token}
            required
            autoComplete="off"
            onFocus={onSoon}
            onChange={(e) => setToken(e.target.value)}
          />
        </label>
      )}
      {!needsToken && !me && (
        <label className="field">
          <span>Your name</span>
          <input
            value={choices.name}
            required
            maxLength={60}
            autoComplete="name"
            onFocus={onSoon}
            onChange={(e) => onChange({ name: e.target.value })}
          />
        </label>
      )}
      {!needsToken && (
        <label className="field">
          <span>Room</span>
          <input
            value={room}
            required
            maxLength={60}
            autoComplete="off"
            onFocus={onSoon}
            onChange={(e) => setRoom(e.target.value)}
          />
        </label>
      )}
      <details className="prejoin-more" open={passphrase !== ''}>
        <summary>End-to-end encryption</summary>
        <label className="field">
          <span>Passphrase that all in the call type in; empty = off</span>
          <input
            value={passphrase}
            maxLength={128}
            autoComplete="off"
            onChange={(e) => setPassphrase(e.target.value)}
          />
        </label>
        <p className="note">Then not even the server sees or hears you, and AI compression is off for you.</p>
      </details>
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
      <button className="main-button" type="submit" disabled={busy}>
        {busy ? 'Joining…' : 'Join'}
      </button>
    </form>
  );
}
