// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'react';
import { readChoices, writeChoices } from '../prejoin/choices';

export interface Theme {
  name: 'dark' | 'light';
  toggle: () => void;
}

/** What the person has chosen, until then what the system says. */
export function useTheme(): Theme {
  const [name, setName] = useState<'dark' | 'light'>(
    () => readChoices().theme ?? (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark'),
  );
  useEffect(() => {
    document.documentElement.dataset['theme'] = name;
  }, [name]);
  const toggle = () => {
    const next = name === 'dark' ? 'light' : 'dark';
    writeChoices({ theme: next });
    setName(next);
  };
  return { name, toggle };
}
