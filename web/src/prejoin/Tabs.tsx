// SPDX-License-Identifier: Apache-2.0
import type { KeyboardEvent } from 'react';

export type Way = 'room' | 'people';

interface Props {
  way: Way;
  signedIn: boolean;
  onChange: (way: Way) => void;
}

/** Two ways into a call. Arrow keys go between them, as in other rows of tabs. */
export function Tabs({ way, signedIn, onChange }: Props) {
  const ways: [Way, string][] = [
    ['room', 'Join a room'],
    ['people', signedIn ? 'Call people' : 'Sign in to call people'],
  ];
  const move = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const other = way === 'room' ? 'people' : 'room';
    onChange(other);
    document.getElementById(`tab-${other}`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label="Ways into a call">
      {ways.map(([name, label]) => (
        <button
          key={name}
          id={`tab-${name}`}
          className="tab"
          type="button"
          role="tab"
          aria-selected={way === name}
          {...(way === name && { 'aria-controls': `way-${name}` })}
          tabIndex={way === name ? 0 : -1}
          onClick={() => onChange(name)}
          onKeyDown={move}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
