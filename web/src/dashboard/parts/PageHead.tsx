// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, type ReactNode } from 'react';
import { Link } from 'wouter';

interface Props {
  title: string;
  children?: ReactNode;
  crumbs?: readonly { name: string; path: string }[];
  actions?: ReactNode;
}

/** The page's heading; it gets the focus when one comes here, so that it is read out. */
export function PageHead({ title, children, crumbs, actions }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · AuraLink Dashboard`;
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [title]);
  return (
    <header className="page-head">
      <div>
        {crumbs && (
          <nav aria-label="Where you are">
            <ol className="crumbs">
              {crumbs.map(({ name, path }) => (
                <li key={path}>
                  <Link href={path}>{name}</Link>
                </li>
              ))}
            </ol>
          </nav>
        )}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {children && <p>{children}</p>}
      </div>
      {actions && <div className="actions">{actions}</div>}
    </header>
  );
}
