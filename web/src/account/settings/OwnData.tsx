// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent } from 'react';
import { idOf } from '../../calls/api';
import type { Me } from '../api';
import { deleteMe, EXPORT } from './api';
import { Section } from './Section';
import { useTask } from './useTask';

interface Props {
  me: Me;
  onCode: (code: string) => void;
  onDeleted: () => void;
}

export function OwnData({ me, onCode, onDeleted }: Props) {
  const task = useTask(onCode);
  const [typed, setTyped] = useState('');
  const remove = (event: SyntheticEvent) => {
    event.preventDefault();
    task.run(() => deleteMe().then(onDeleted));
  };
  return (
    <Section title="Your data" task={task}>
      <p>
        <a className="own-link" href={EXPORT} download="auralink-my-data.json">
          Download all that this server keeps of you
        </a>
      </p>
      <details className="prejoin-more">
        <summary>Delete your account</summary>
        <form className="own-form" onSubmit={remove}>
          <p>
            Passkeys, contacts, blocks and missed calls go, and your name from the lists of others. It cannot
            be undone, and somebody else may take {me.id} then.
          </p>
          <label className="field">
            <span>Type in your AuraID to confirm</span>
            <input
              value={typed}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              onChange={(e) => setTyped(e.target.value)}
            />
          </label>
          <button className="danger-button" type="submit" disabled={task.busy || idOf(typed) !== me.id}>
            Delete all of it
          </button>
        </form>
      </details>
    </Section>
  );
}
