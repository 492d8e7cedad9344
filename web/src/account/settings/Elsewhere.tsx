// SPDX-License-Identifier: Apache-2.0
import { signOutOthers } from './api';
import { Section } from './Section';
import { useTask } from './useTask';
import { sessionsText } from './words';

interface Props {
  sessions: number;
  again: () => Promise<unknown>;
  onCode: (code: string) => void;
}

export function Elsewhere({ sessions, again, onCode }: Props) {
  const task = useTask(onCode);
  return (
    <Section title="Where you are signed in" task={task}>
      <p>{sessionsText(sessions)}</p>
      {sessions > 1 && (
        <button
          className="plain-button"
          type="button"
          disabled={task.busy}
          onClick={() => task.run(() => signOutOthers().then(again), 'You are signed out everywhere else.')}
        >
          Sign out everywhere else
        </button>
      )}
    </Section>
  );
}
