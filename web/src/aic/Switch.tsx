// SPDX-License-Identifier: Apache-2.0
import { useLocalParticipant, useParticipantAttributes } from '@livekit/components-react';
import { useState } from 'react';
import { WISH, wishOf, type Wish } from './attributes';

const WISHES: readonly { wish: Wish; name: string; about: string }[] = [
  { wish: 'on', name: 'On', about: 'AI makes pictures and sound smaller, and you should not see it.' },
  { wish: 'saver', name: 'Data saver', about: 'Smaller still, for a slow or dear connection.' },
  { wish: 'off', name: 'Off', about: 'Nothing that you send or get is touched.' },
];

/** What a person wants of AI compression; the server heeds it at once, in both directions. */
export function Switch() {
  const { localParticipant } = useLocalParticipant();
  const { attributes } = useParticipantAttributes({ participant: localParticipant });
  const [fault, setFault] = useState('');
  const now = wishOf(attributes ?? {});
  const choose = (wish: Wish) => {
    setFault('');
    localParticipant
      .setAttributes({ [WISH]: wish })
      .catch(() => setFault('The server did not take that. Try again, or ask who invited you.'));
  };
  return (
    <fieldset className="switch">
      <legend>AI compression for you</legend>
      {WISHES.map(({ wish, name, about }) => (
        <label key={wish} className={wish === now ? 'switch-on' : ''}>
          {/* By clicks (keys make them too), as what holds while nothing was chosen can be chosen: no change of the element. */}
          <input type="radio" name="aic" checked={wish === now} readOnly onClick={() => choose(wish)} />
          <span>
            <b>{name}</b>
            <span className="note">{about}</span>
          </span>
        </label>
      ))}
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
    </fieldset>
  );
}
