// SPDX-License-Identifier: Apache-2.0
import { useCallback, useState } from 'react';
import type { Fit } from './columns';

/**
 * How many tiles an element has room for, now and when its size changes.
 *
 * @param fitOf  says it of a width and a height; the same function each time
 */
export function useFit(
  fitOf: (width: number, height: number) => Fit,
): [ref: (element: HTMLElement | null) => (() => void) | undefined, fit: Fit] {
  const [fit, setFit] = useState(() => fitOf(innerWidth, innerHeight));
  const ref = useCallback(
    (element: HTMLElement | null) => {
      if (!element) return;
      const observer = new ResizeObserver(([entry]) => {
        if (!entry) return;
        const next = fitOf(entry.contentRect.width, entry.contentRect.height);
        setFit((now) => (now.page === next.page && now.columns === next.columns ? now : next));
      });
      observer.observe(element);
      return () => observer.disconnect();
    },
    [fitOf],
  );
  return [ref, fit];
}
