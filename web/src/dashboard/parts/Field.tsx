// SPDX-License-Identifier: Apache-2.0
import type { InputHTMLAttributes } from 'react';

type Props = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange'> & {
  label: string;
  value: string;
  /** What is to be known of it, under it. */
  hint?: string;
  onChange: (value: string) => void;
};

export function Field({ label, hint, onChange, ...input }: Props) {
  return (
    <label className="field">
      <span>{label}</span>
      <input {...input} onChange={(event) => onChange(event.target.value)} />
      {hint && <span>{hint}</span>}
    </label>
  );
}
