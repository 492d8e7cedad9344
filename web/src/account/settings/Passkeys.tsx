// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent } from 'react';
import { passkeysWork } from '../passkey';
import { addPasskey, removePasskey, renamePasskey, type PasskeyInfo } from './api';
import { Section } from './Section';
import { useTask, type Task } from './useTask';
import { passkeyName, passkeyText } from './words';

interface Props {
  passkeys: PasskeyInfo[];
  again: () => Promise<unknown>;
  onCode: (code: string) => void;
}

type Mode = 'shown' | 'renamed' | 'removed';

interface RowProps {
  one: PasskeyInfo;
  task: Task;
  again: () => Promise<unknown>;
}

function Row({ one, task, again }: RowProps) {
  const [mode, setMode] = useState<Mode>('shown');
  const [name, setName] = useState(one.name);
  const called = passkeyName(one);
  const rename = (event: SyntheticEvent) => {
    event.preventDefault();
    setMode('shown');
    task.run(() => renamePasskey(one.id, name.trim()).then(again), `It is called ${name.trim()} now.`);
  };
  const remove = () =>
    task.run(() => removePasskey(one.id).then(again), `${called} is removed. Delete it on the device too.`);
  return (
    <li className="own-row">
      <span className="own-text">
        <b>{called}</b>
        <span className="note">{passkeyText(one)}</span>
      </span>
      {mode === 'shown' && (
        <span className="own-buttons">
          <button className="plain-button" type="button" onClick={() => setMode('renamed')}>
            Rename<span className="unseen"> {called}</span>
          </button>
          <button className="plain-button" type="button" onClick={() => setMode('removed')}>
            Remove<span className="unseen"> {called}</span>
          </button>
        </span>
      )}
      {mode === 'renamed' && (
        <form className="own-form" onSubmit={rename}>
          <label className="field">
            <span>New name of this passkey</span>
            <input value={name} required maxLength={32} onChange={(e) => setName(e.target.value)} />
          </label>
          <span className="own-buttons">
            <button className="main-button" type="submit" disabled={!name.trim()}>
              Save the name
            </button>
            <button className="plain-button" type="button" onClick={() => setMode('shown')}>
              Keep the old name
            </button>
          </span>
        </form>
      )}
      {mode === 'removed' && (
        <span className="own-form" role="group" aria-label={`Remove ${called}?`}>
          <span>It signs nobody in any more.</span>
          <span className="own-buttons">
            <button className="danger-button" type="button" disabled={task.busy} onClick={remove}>
              Remove it
            </button>
            <button className="plain-button" type="button" onClick={() => setMode('shown')}>
              Keep it
            </button>
          </span>
        </span>
      )}
    </li>
  );
}

/** What signs the person in on their devices. */
export function Passkeys({ passkeys, again, onCode }: Props) {
  const task = useTask(onCode);
  const [name, setName] = useState('');
  const add = (event: SyntheticEvent) => {
    event.preventDefault();
    task.run(
      () => addPasskey(name.trim()).then(() => (setName(''), again())),
      `The passkey ${name.trim()} is added: you can sign in with it.`,
    );
  };
  return (
    <Section title="Passkeys" task={task}>
      {passkeys.length > 0 ? (
        <ul className="own-list">
          {passkeys.map((one) => (
            <Row key={one.id} one={one} task={task} again={again} />
          ))}
        </ul>
      ) : (
        <p className="note">
          You have none. With one you sign in without a password, and nobody can guess it.
        </p>
      )}
      {passkeysWork() ? (
        <form className="own-form" onSubmit={add}>
          <label className="field">
            <span>Name of a new passkey, as “My phone”</span>
            <input
              value={name}
              required
              maxLength={32}
              autoComplete="off"
              onChange={(e) => setName(e.target.value)}
            />
          </label>
          <button className="plain-button" type="submit" disabled={task.busy || !name.trim()}>
            Add a passkey
          </button>
        </form>
      ) : (
        <p className="note">Browsers make passkeys for https:// and a name, and for http://localhost.</p>
      )}
    </Section>
  );
}
