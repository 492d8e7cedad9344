// SPDX-License-Identifier: Apache-2.0
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import type { Theme } from '../../app/useTheme';
import { api, take } from '../api/client';
import { SESSION } from '../api/queries';
import { useOperator } from '../api/useOperator';
import { NavIcon } from './NavIcon';
import { PLACES } from './places';
import { ThemeButton } from './ThemeButton';

interface Props {
  theme: Theme;
  live: boolean;
  children: ReactNode;
}

const Brand = () => (
  <>
    <img src="/favicon.svg" alt="" />
    AuraLink
  </>
);

export function Shell({ theme, live, children }: Props) {
  const { name, role } = useOperator();
  const queries = useQueryClient();
  const [path] = useLocation();
  const [open, setOpen] = useState(false);
  const signOut = () => {
    void take(api.DELETE('/api/v1/session')).finally(() => queries.invalidateQueries({ queryKey: SESSION }));
  };
  const isHere = (place: string) => path === place || (place !== '/' && path.startsWith(`${place}/`));
  return (
    <div className="shell">
      <a className="skip button" href="#content">
        Skip to the page
      </a>
      <header className="top">
        <span className="brand">
          <Brand />
        </span>
        <button
          type="button"
          className="round round-plain"
          aria-label="Menu"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <NavIcon name="menu" />
        </button>
      </header>
      <aside className={open ? 'side side-open' : 'side'} aria-label="Menu">
        <div className="side-inner">
          <span className="brand side-brand">
            <Brand />
          </span>
          <nav aria-label="Dashboard">
            <ul>
              {PLACES.map((place) => (
                <li key={place.path}>
                  <Link
                    href={place.path}
                    aria-current={isHere(place.path) ? 'page' : undefined}
                    onClick={() => setOpen(false)}
                  >
                    <NavIcon name={place.icon} />
                    {place.name}
                  </Link>
                </li>
              ))}
            </ul>
          </nav>
          <div className="side-foot">
            <span className={live ? 'live' : 'live live-away'} role="status">
              {live ? 'Live' : 'Coming back…'}
            </span>
            <span className="side-who">
              <b title={name}>{name}</b>
              <span className="note">{role === 'admin' ? 'admin' : 'viewer: sees all, changes nothing'}</span>
            </span>
            <div className="side-buttons">
              <button type="button" className="button" onClick={signOut}>
                Sign out
              </button>
              <ThemeButton theme={theme} />
            </div>
          </div>
        </div>
      </aside>
      <main className="content" id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
