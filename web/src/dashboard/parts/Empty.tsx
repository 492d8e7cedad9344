// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';

/** Nothing is there yet: what that means, and what one may do next. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children && <div className="note">{children}</div>}
    </div>
  );
}
