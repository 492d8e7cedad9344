// SPDX-License-Identifier: Apache-2.0
import { useId, type InputHTMLAttributes } from 'react';

type Props = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange'> & {
  label: string;
  value: string;
  /** What is to be known of it, under it. */
  hint?: string;
  onChange: (value: string) => void;
};

export function Field({ label, hint, onChange, ...input }: Props) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      {hint && <span id={`${id}-hint`}>{hint}</span>}
    </div>
  );
}
