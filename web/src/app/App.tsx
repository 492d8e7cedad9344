// SPDX-License-Identifier: Apache-2.0
import { lazy, Suspense, useState } from 'react';
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
  const start = (next: Session) => {
    history.replaceState(null, '', pathOf(next));
    document.title = `${next.room} · AuraLink Meet`;
    setFarewell('');
    setSession(next);
  };
  const leave = (why: string) => {
    document.title = 'AuraLink Meet';
    setFarewell(why);
    setSession(null);
  };
  if (!session) {
    return (
      <PreJoin
        address={readAddress(location)}
        farewell={farewell}
        theme={theme}
        onSoon={() => void loadRoom()}
        onJoin={start}
      />
    );
  }
  return (
    <Suspense fallback={<p className="wait">Getting the call ready…</p>}>
      <RoomPage session={session} theme={theme} onLeave={leave} />
    </Suspense>
  );
}
