// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'react';

export interface Colours {
  dim: string;
  line: string;
  series: string[];
}

function read(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return { dim: of('--dim'), line: of('--line'), series: [1, 2, 3, 4, 5, 6].map((n) => of(`--c${n}`)) };
}

/** A canvas knows no CSS: the page's colours, and again when they change from dark to light. */
export function useColours(): Colours {
  const [colours, setColours] = useState(read);
  useEffect(() => {
    const watch = new MutationObserver(() => setColours(read()));
    watch.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => watch.disconnect();
  }, []);
  return colours;
}
