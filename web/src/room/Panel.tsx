// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';
import { IconButton } from '../ui/IconButton';

/** What opens beside the stage, or over it on a small screen. */
export function Panel({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <aside className="panel" aria-label={title}>
      <header className="panel-head">
        <h2>{title}</h2>
        <IconButton icon="close" label={`Close: ${title}`} onPress={onClose} />
      </header>
      {children}
    </aside>
  );
}
