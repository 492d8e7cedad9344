// SPDX-License-Identifier: Apache-2.0
import { namesOf, type Placed } from './state';

interface Props {
  placed: Placed;
  onCancel: () => void;
}

/** A call that rings at others. */
export function Outgoing({ placed, onCancel }: Props) {
  const ringing = placed.to.filter(({ state }) => state === 'ringing');
  return (
    <section className="outgoing" aria-label="Your call">
      <p role="status">Calling {namesOf(ringing.length ? ringing : placed.to)}…</p>
      <button className="answer answer-decline" type="button" onClick={onCancel}>
        Cancel the call
      </button>
    </section>
  );
}
