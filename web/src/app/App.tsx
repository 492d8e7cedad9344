// SPDX-License-Identifier: Apache-2.0
import { lazy, Suspense, useEffect, useState } from 'react';
import { useAccount } from '../account/useAccount';
import { CallDesk } from '../calls/CallDesk';
import type { Join } from '../calls/state';
import { useLine } from '../calls/useLine';
import { readChoices } from '../prejoin/choices';
import { PreJoin } from '../prejoin/PreJoin';
import type { Session } from '../prejoin/session';
import { pathOf, readAddress } from './address';
import { useTheme } from './useTheme';

// LiveKit's client is most of the code: it comes while the name is typed.
const loadRoom = () => import('../room/RoomPage');
const RoomPage = lazy(loadRoom);

export function App() {
  const [session, setSession] = useState<Session | null>(null);
  const [farewell, setFarewell] = useState('');
  const theme = useTheme();
  const account = useAccount();
  const { line, calls } = useLine(account.me?.id);
  const start = (next: Session) => {
    // The room of a call is for who was called: its address would lead nobody there.
    history.replaceState(null, '', next.call ? '/' : pathOf(next));
    document.title = `${next.title || next.room} · AuraLink Meet`;
    setFarewell('');
    setSession(next);
  };
  const enter = ({ call, room, token, url }: Join, title: string) => {
    if (session?.call === call) return; // the line was gone for a moment: media went on
    if (session?.call) line.leave(session.call);
    start({ ...readChoices(), room, token, passphrase: '', call, title, ...(url && { url }) });
  };
  useEffect(() => line.whenJoined(enter));
  useEffect(() => line.whenSignedOut(account.signedOut));
  const leave = (why: string, over: boolean) => {
    if (session?.call && !over) line.leave(session.call);
    document.title = 'AuraLink Meet';
    setFarewell(why);
    setSession(null);
  };
  const page = session ? (
    <Suspense fallback={<p className="wait">Getting the call ready…</p>}>
      <RoomPage key={session.token} session={session} theme={theme} calls={calls} onLeave={leave} />
    </Suspense>
  ) : (
    <PreJoin
      address={readAddress(location)}
      farewell={farewell}
      theme={theme}
      account={account}
      line={line}
      calls={calls}
      onSoon={() => void loadRoom()}
      onJoin={start}
    />
  );
  return (
    <>
      {page}
      <CallDesk line={line} calls={calls} />
    </>
  );
}
