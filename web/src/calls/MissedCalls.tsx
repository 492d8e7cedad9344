// SPDX-License-Identifier: Apache-2.0
import { IconButton } from '../ui/IconButton';
import type { Line } from './line';
import { nameOf, type Missed, type Person } from './state';

interface Props {
  line: Line;
  missed: Missed[];
  onCall: (whom: Person[]) => void;
}

const when = (at: number) =>
  new Date(at * 1000).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function MissedCalls({ line, missed, onCall }: Props) {
  if (!missed.length) return null;
  return (
    <section className="missed" aria-label="Missed calls">
      <h2>Missed calls</h2>
      <ul className="callees">
        {missed.map(({ call, from, at }) => (
          <li className="callee" key={call}>
            <span className="callee-text">
              <span className="callee-name">{nameOf(from)}</span>
              <time className="note" dateTime={new Date(at * 1000).toISOString()}>
                {when(at)}
              </time>
            </span>
            <IconButton icon="camera" label={`Call ${nameOf(from)} back`} onPress={() => onCall([from])} />
          </li>
        ))}
      </ul>
      <button className="link-button" type="button" onClick={() => void line.forgetMissed()}>
        Clear the list
      </button>
    </section>
  );
}
