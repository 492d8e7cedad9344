// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useState, type SyntheticEvent } from 'react';
import { idOf } from '../../calls/api';
import { block, readBlocks, unblock } from './api';
import { Section } from './Section';
import { useTask } from './useTask';

export function Blocks({ onCode }: { onCode: (code: string) => void }) {
  const task = useTask(onCode);
  const [blocked, setBlocked] = useState<string[]>();
  const [name, setName] = useState('');
  const again = useCallback(() => readBlocks().then(setBlocked), []);
  useEffect(() => {
    again().catch(() => undefined); // shown as not known
  }, [again]);
  const add = (event: SyntheticEvent) => {
    event.preventDefault();
    const id = idOf(name);
    if (!id) {
      task.say('An AuraID reads @name.aura, with 3 to 32 letters, digits, - and _.');
      return;
    }
    task.run(() => block(id).then(() => (setName(''), again())), `${id} is blocked.`);
  };
  return (
    <Section title="Blocked" task={task}>
      {blocked && blocked.length > 0 && (
        <ul className="own-list">
          {blocked.map((id) => (
            <li className="own-row" key={id}>
              <span className="own-text">{id}</span>
              <button
                className="plain-button"
                type="button"
                disabled={task.busy}
                onClick={() => task.run(() => unblock(id).then(again), `${id} may call you again.`)}
              >
                Unblock<span className="unseen"> {id}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {blocked?.length === 0 && <p className="note">You have blocked nobody.</p>}
      <form className="own-form" onSubmit={add}>
        <label className="field">
          <span>AuraID to block</span>
          <input
            value={name}
            required
            maxLength={38}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="@name.aura"
            onChange={(e) => setName(e.target.value)}
          />
        </label>
        <button className="plain-button" type="submit" disabled={task.busy || !name.trim()}>
          Block
        </button>
      </form>
      <p className="note">
        Whoever is blocked cannot find or call you, and is not told. A contact is none any more.
      </p>
    </Section>
  );
}
