// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';

interface Props {
  label: string;
  value: ReactNode;
  note?: ReactNode;
  tone?: 'plain' | 'good' | 'warn' | 'bad';
  children?: ReactNode;
}

/** One number that is looked at from afar. */
export function Stat({ label, value, note, tone = 'plain', children }: Props) {
  return (
    <div className={`stat stat-${tone}`}>
      <dt>{label}</dt>
      <dd>
        <b>{value}</b>
        {note && <span className="note">{note}</span>}
      </dd>
      {children}
    </div>
  );
}

export function Stats({ children }: { children: ReactNode }) {
  return <dl className="stats">{children}</dl>;
}
