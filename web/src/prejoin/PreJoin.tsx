// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent } from 'react';
import type { Address } from '../app/address';
import type { Theme } from '../app/useTheme';
import { IconButton } from '../ui/IconButton';
import { readChoices, writeChoices } from './choices';
import { Devices } from './Devices';
import { Mirror } from './Mirror';
import { guestToken, JoinError, roomOfToken, type Session } from './session';
import { useGuests } from './useGuests';
import { usePreview } from './usePreview';
import './prejoin.css';

interface Props {
  address: Address;
  /** Why the last call ended, '' = there was none. */
  farewell: string;
  theme: Theme;
  /** Somebody is about to join. */
  onSoon: () => void;
  onJoin: (session: Session) => void;
}

export function PreJoin({ address, farewell, theme, onSoon, onJoin }: Props) {
  const [choices, setChoices] = useState(readChoices);
  const [room, setRoom] = useState(address.room || 'demo');
  const [token, setToken] = useState('');
  const [passphrase, setPassphrase] = useState(address.passphrase);
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const guests = useGuests();
  const preview = usePreview(choices);
  const choose = (some: Partial<typeof choices>) => {
    writeChoices(some);
    setChoices({ ...choices, ...some });
  };

  const join = async () => {
    const own = token.trim();
    const into = own ? roomOfToken(own) : room.trim();
    if (!into) throw new JoinError('That is no access token for a room: ask for a new one.');
    onJoin({
      ...choices,
      room: into,
      passphrase,
      token: own || (await guestToken(into, choices.name.trim())),
    });
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
    <main className="prejoin">
      <div className="prejoin-theme">
        <IconButton
          icon={theme.name === 'dark' ? 'sun' : 'moon'}
          label={theme.name === 'dark' ? 'Light colours' : 'Dark colours'}
          onPress={theme.toggle}
        />
      </div>
      <Mirror preview={preview} choices={choices} onChange={choose} />
      <form className="prejoin-form" onSubmit={submit}>
        <h1>{farewell || 'Ready to join?'}</h1>
        {guests === false ? (
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
        ) : (
          <>
            <label className="field">
              <span>Your name</span>
              <input
                value={choices.name}
                required
                maxLength={60}
                autoComplete="name"
                onFocus={onSoon}
                onChange={(e) => choose({ name: e.target.value })}
              />
            </label>
            <label className="field">
              <span>Room</span>
              <input
                value={room}
                required
                maxLength={60}
                autoComplete="off"
                onChange={(e) => setRoom(e.target.value)}
              />
            </label>
          </>
        )}
        <Devices preview={preview} choices={choices} onChange={choose} />
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
          <p className="note">
            Then not even the server sees or hears you, and AI compression is off for you.
          </p>
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
    </main>
  );
}
