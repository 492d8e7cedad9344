// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent } from 'react';
import { setPassword } from './api';
import { Section } from './Section';
import { useTask } from './useTask';
import { passwordProblem } from './words';

interface Props {
  /** Is there one? */
  there: boolean;
  /** Whose it is: for the browser that keeps passwords. */
  id: string;
  again: () => Promise<unknown>;
  onCode: (code: string) => void;
}

function Field(props: { label: string; value: string; kind: string; onChange: (text: string) => void }) {
  return (
    <label className="field">
      <span>{props.label}</span>
      <input
        type="password"
        required
        maxLength={256}
        autoComplete={props.kind}
        value={props.value}
        onChange={(e) => props.onChange(e.target.value)}
      />
    </label>
  );
}

export function Password({ there, id, again, onCode }: Props) {
  const task = useTask(onCode);
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [twice, setTwice] = useState('');
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const problem = passwordProblem(next, twice);
    if (problem) {
      task.say(problem);
      return;
    }
    const change = async () => {
      await setPassword(next, there ? current : '');
      [setCurrent, setNext, setTwice].forEach((set) => set(''));
      await again();
    };
    task.run(change, 'The new password is set. Other browsers are signed out.');
  };
  return (
    <Section title="Password" task={task}>
      <form className="own-form" onSubmit={submit}>
        <input className="unseen" readOnly tabIndex={-1} aria-hidden autoComplete="username" value={id} />
        {there ? (
          <Field label="Password until now" kind="current-password" value={current} onChange={setCurrent} />
        ) : (
          <p className="note">You have none, and need none while you have a passkey.</p>
        )}
        <Field
          label="New password, 10 characters or more"
          kind="new-password"
          value={next}
          onChange={setNext}
        />
        <Field label="The new password again" kind="new-password" value={twice} onChange={setTwice} />
        <button className="plain-button" type="submit" disabled={task.busy}>
          {there ? 'Change the password' : 'Set a password'}
        </button>
      </form>
    </Section>
  );
}
