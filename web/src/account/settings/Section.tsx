// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';
import type { Task } from './useTask';

interface Props {
  title: string;
  task: Task;
  children: ReactNode;
}

/** One subject of the account, and what has become of what was asked. */
export function Section({ title, task, children }: Props) {
  return (
    <section className="own-section" aria-label={title}>
      <h2>{title}</h2>
      {children}
      {task.fault && (
        <p className="fault" role="alert">
          {task.fault}
        </p>
      )}
      <p className="own-done" role="status">
        {task.done}
      </p>
    </section>
  );
}
