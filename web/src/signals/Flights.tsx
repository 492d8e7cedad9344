// SPDX-License-Identifier: Apache-2.0
import type { Flight } from './useReactions';
import './signals.css';

const LANES = 5;

/** A flight ends invisible, so that nothing has to take it away. */
export function Flights({ flights }: { flights: readonly Flight[] }) {
  return (
    <div className="flights" role="log" aria-label="Reactions">
      {flights.map(({ id, sign, who }) => (
        <p key={id} className={`flight lane-${id % LANES}`}>
          <span className="flight-sign">{sign}</span>
          <span className="flight-who">{who}</span>
        </p>
      ))}
    </div>
  );
}
