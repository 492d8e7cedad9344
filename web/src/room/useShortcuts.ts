// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from 'react';
import type { Actions } from './panels';

export const SHORTCUTS: readonly (readonly [key: string, does: string, run: (a: Actions) => void])[] = [
  ['m', 'Mute or unmute', (a) => a.microphone()],
  ['v', 'Camera on or off', (a) => a.camera()],
  ['s', 'Share the screen, or stop', (a) => a.screen()],
  ['h', 'Raise or lower your hand', (a) => a.hand()],
  ['l', 'All alike, or who speaks large', (a) => a.layout()],
  ['c', 'Chat', (a) => a.show('chat')],
  ['p', 'People', (a) => a.show('people')],
  ['a', 'AI compression and data used', (a) => a.show('aic')],
  ['d', 'Devices', (a) => a.show('devices')],
  ['?', 'These shortcuts', (a) => a.show('keys')],
];

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null
  );
}

/** A key that works the call, and is not typed into something or meant for the browser. */
export function isForControls(event: KeyboardEvent): boolean {
  return !(event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target));
}

export function useShortcuts(actions: Actions): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.repeat || !isForControls(event)) return;
      const found = SHORTCUTS.find(([key]) => key === event.key.toLowerCase());
      if (found) {
        event.preventDefault();
        found[2](latest.current);
      }
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
}
