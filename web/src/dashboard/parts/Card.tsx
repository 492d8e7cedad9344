// SPDX-License-Identifier: Apache-2.0
import { useId, type ReactNode } from 'react';

interface Props {
  title: string;
  /** Stands at the right of the title. */
  side?: ReactNode;
  children: ReactNode;
}

export function Card({ title, side, children }: Props) {
  const id = useId();
  return (
    <section className="card" aria-labelledby={id}>
      <header className="card-head">
        <h2 id={id}>{title}</h2>
        {side}
      </header>
      {children}
    </section>
  );
}
