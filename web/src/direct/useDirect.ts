// SPDX-License-Identifier: Apache-2.0
import { useRoomContext } from '@livekit/components-react';
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { DirectCall, type DirectView } from './DirectCall';

export const DirectContext = createContext<DirectCall | null>(null);

/** One for the call; the page below gets it by DirectContext. */
export function useDirectCall(encrypted: boolean): DirectCall {
  const room = useRoomContext();
  const [call] = useState(() => new DirectCall(room, encrypted));
  useEffect(() => call.run(), [call]);
  return call;
}

export function useDirect(): { call: DirectCall; view: DirectView } {
  const call = useContext(DirectContext);
  if (!call) throw new Error('no DirectContext around this');
  return { call, view: useSyncExternalStore(call.watch, () => call.view) };
}
