// SPDX-License-Identifier: Apache-2.0
import { useEffect, type ReactNode } from 'react';
import type { Theme } from '../../app/useTheme';
import { ThemeButton } from './ThemeButton';

/** The frame of the pages before one is signed in. */
export function GateBox({ title, theme, children }: { title: string; theme: Theme; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · AuraLink Dashboard`;
  }, [title]);
  return (
    <main className="gate">
      <div className="gate-theme">
        <ThemeButton theme={theme} />
      </div>
      <div className="gate-box">
        <p className="gate-brand">
          <img src="/favicon.svg" alt="" />
          AuraLink Dashboard
        </p>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
