// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'react';
import { readPrivacy, setPrivacy, type Privacy } from './api';
import { Section } from './Section';
import { useTask } from './useTask';
import { PRIVACIES } from './words';

export function WhoMayCall({ onCode }: { onCode: (code: string) => void }) {
  const task = useTask(onCode);
  const [now, setNow] = useState<Privacy>();
  useEffect(() => {
    readPrivacy().then(setNow, () => undefined); // shown as not known
  }, []);
  const choose = (privacy: Privacy) => {
    setNow(privacy);
    task.run(
      () =>
        setPrivacy(privacy).catch((error: unknown) => {
          setNow(now);
          throw error;
        }),
      'That holds from now on.',
    );
  };
  return (
    <Section title="Who may call you" task={task}>
      <fieldset className="own-choice" disabled={!now}>
        <legend className="unseen">Who may call you</legend>
        {PRIVACIES.map(([value, label, means]) => (
          <label key={value} className="own-radio">
            <input
              type="radio"
              name="privacy"
              aria-label={label}
              aria-describedby={`privacy-${value}`}
              checked={now === value}
              onChange={() => choose(value)}
            />
            <span className="own-text">
              <span>{label}</span>
              <span className="note" id={`privacy-${value}`}>
                {means}
              </span>
            </span>
          </label>
        ))}
      </fieldset>
    </Section>
  );
}
