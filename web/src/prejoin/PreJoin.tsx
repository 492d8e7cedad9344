// SPDX-License-Identifier: Apache-2.0
import { lazy, Suspense, useState } from 'react';
import { SignIn } from '../account/SignIn';
import type { Account } from '../account/useAccount';
import type { Address } from '../app/address';
import type { Theme } from '../app/useTheme';
import { CallPeople } from '../calls/CallPeople';
import type { Line } from '../calls/line';
import type { CallsState } from '../calls/state';
import { IconButton } from '../ui/IconButton';
import { readChoices, writeChoices } from './choices';
import { Devices } from './Devices';
import { JoinForm } from './JoinForm';
import { Mirror } from './Mirror';
import type { Session } from './session';
import { Tabs, type Way } from './Tabs';
import { usePreview } from './usePreview';
import './prejoin.css';

interface Props {
  address: Address;
  /** Why the last call ended, '' = there was none. */
  farewell: string;
  theme: Theme;
  account: Account;
  line: Line;
  calls: CallsState;
  /** Somebody is about to join. */
  onSoon: () => void;
  onJoin: (session: Session) => void;
}

const GREETING: Record<Way, string> = {
  room: 'Ready to join?',
  people: 'Call by AuraID',
  account: 'Your account',
};
const AccountPage = lazy(() => import('../account/settings/AccountPage'));

export function PreJoin({ address, farewell, theme, account, line, calls, onSoon, onJoin }: Props) {
  const [choices, setChoices] = useState(readChoices);
  // Who follows a link wants into that room; who is signed in and does not may want to call.
  const [chosen, setChosen] = useState<Way>();
  const preview = usePreview(choices);
  const choose = (some: Partial<typeof choices>) => {
    writeChoices(some);
    setChoices({ ...choices, ...some });
  };
  const { about, me } = account;
  const accounts = about?.accounts ?? 'off';
  const wanted = chosen ?? (me && !address.room ? 'people' : 'room');
  const way = accounts === 'off' ? 'room' : wanted === 'account' && !me ? 'people' : wanted;

  return (
    <main className="prejoin">
      <div className="prejoin-theme">
        <IconButton
          icon={theme.name === 'dark' ? 'sun' : 'moon'}
          label={theme.name === 'dark' ? 'Light colours' : 'Dark colours'}
          onPress={theme.toggle}
        />
      </div>
      <div className="prejoin-self">
        <Mirror preview={preview} choices={choices} onChange={choose} />
        <Devices preview={preview} choices={choices} onChange={choose} />
      </div>
      <div className="prejoin-ways">
        <h1>{(way !== 'account' && farewell) || GREETING[way]}</h1>
        {me && (
          <p className="signed-in">
            <span>
              {me.display} <span className="note">{me.id}</span>
            </span>
            <button className="link-button" type="button" onClick={account.signOut}>
              Sign out
            </button>
          </p>
        )}
        {accounts !== 'off' && <Tabs way={way} signedIn={me !== null} onChange={setChosen} />}
        <div
          id={`way-${way}`}
          role={accounts === 'off' ? undefined : 'tabpanel'}
          aria-labelledby={`tab-${way}`}
        >
          {way === 'room' && (
            <JoinForm
              address={address}
              choices={choices}
              account={account}
              onChange={choose}
              onSoon={onSoon}
              onJoin={onJoin}
            />
          )}
          {way === 'people' && !me && <SignIn open={accounts === 'open'} onSignedIn={account.signedIn} />}
          {way === 'people' && me && (
            <CallPeople line={line} calls={calls} onSoon={onSoon} onSignedOut={account.signedOut} />
          )}
          {way === 'account' && me && (
            <Suspense fallback={<p className="note">Getting your account…</p>}>
              <AccountPage me={me} onSignedIn={account.signedIn} onSignedOut={account.signedOut} />
            </Suspense>
          )}
        </div>
      </div>
    </main>
  );
}
