// SPDX-License-Identifier: Apache-2.0
import { useDataChannel } from '@livekit/components-react';
import { useRef, useState } from 'react';
import { readReaction, type Reaction } from './reactions';

export interface Flight {
  id: number;
  sign: Reaction;
  who: string;
}

const TOPIC = 'meet.reaction';
const FLIGHTS_MAX = 20;

/** Signs that fly over the stage; the last few are kept. */
export function useReactions() {
  const [flights, setFlights] = useState<readonly Flight[]>([]);
  const next = useRef(0);
  const fly = (sign: Reaction, who: string) => {
    const flight = { id: next.current++, sign, who };
    setFlights((old) => [...old, flight].slice(-FLIGHTS_MAX));
  };
  const { send } = useDataChannel(TOPIC, ({ payload, from }) => {
    const sign = readReaction(payload);
    if (sign) fly(sign, from?.name || 'Somebody');
  });
  return {
    flights,
    send: (sign: Reaction) => {
      fly(sign, 'You');
      send(new TextEncoder().encode(sign), { reliable: true }).catch(() => undefined);
    },
  };
}
