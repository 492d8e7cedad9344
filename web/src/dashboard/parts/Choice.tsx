// SPDX-License-Identifier: Apache-2.0
import { useId } from 'react';

interface Props<T extends string | number> {
  label: string;
  value: T;
  /** Values and what they are called. */
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

/** One of a few. */
export function Choice<T extends string | number>({ label, value, options, onChange }: Props<T>) {
  const id = useId();
  const choose = (text: string) => {
    const chosen = options.find(([option]) => String(option) === text);
    if (chosen) onChange(chosen[0]);
  };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => choose(event.target.value)}>
        {options.map(([option, words]) => (
          <option key={option} value={option}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}
