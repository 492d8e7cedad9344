// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from 'react';
import { isForControls } from '../room/useShortcuts';
import { IconButton } from '../ui/IconButton';

interface Props {
  page: number;
  pages: number;
  /** Behind the last page is the first one. */
  onTurn: (step: 1 | -1) => void;
}

/** Turns the pages of a large room, by buttons and keys. */
export function Pager({ page, pages, onTurn }: Props) {
  const turn = useRef(onTurn);
  useEffect(() => {
    turn.current = onTurn;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const step = event.key === 'PageDown' ? 1 : event.key === 'PageUp' ? -1 : 0;
      if (!step || !isForControls(event)) return;
      event.preventDefault();
      turn.current(step);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
  return (
    <nav className="pager" aria-label="Pages of people">
      <IconButton icon="previous" label="Page before" hint="Page up" onPress={() => onTurn(-1)} />
      <p role="status">
        Page {page} of {pages}
      </p>
      <IconButton icon="next" label="Next page" hint="Page down" onPress={() => onTurn(1)} />
    </nav>
  );
}
