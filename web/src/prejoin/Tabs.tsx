// SPDX-License-Identifier: Apache-2.0
import type { KeyboardEvent } from 'react';

export type Way = 'room' | 'people' | 'account';

interface Props {
  way: Way;
  signedIn: boolean;
  onChange: (way: Way) => void;
}

/** Ways into a call, and one's own account. Arrow keys go between them, as in other rows of tabs. */
export function Tabs({ way, signedIn, onChange }: Props) {
  const ways: [Way, string][] = [
    ['room', 'Join a room'],
    ['people', signedIn ? 'Call people' : 'Sign in to call people'],
    ...(signedIn ? ([['account', 'Account']] satisfies [Way, string][]) : []),
  ];
  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const at = ways.findIndex(([name]) => name === way);
    const other = ways[(at + step + ways.length) % ways.length]?.[0] ?? 'room';
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
