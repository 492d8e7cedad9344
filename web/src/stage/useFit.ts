// SPDX-License-Identifier: Apache-2.0
import { useCallback, useState } from 'react';
import { fitOf, type Fit } from './columns';

/** How many tiles an element has room for, now and when its size changes. */
export function useFit(): [ref: (element: HTMLElement | null) => (() => void) | undefined, fit: Fit] {
  const [fit, setFit] = useState(() => fitOf(innerWidth, innerHeight));
  const ref = useCallback((element: HTMLElement | null) => {
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const next = fitOf(entry.contentRect.width, entry.contentRect.height);
      setFit((now) => (now.page === next.page && now.columns === next.columns ? now : next));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, fit];
}
