// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState, useSyncExternalStore } from 'react';
import { Line } from './line';
import type { CallsState } from './state';

/** The line is there while somebody is signed in. */
export function useLine(id: string | undefined): { line: Line; calls: CallsState } {
  const [line] = useState(() => new Line());
  const calls = useSyncExternalStore(line.subscribe, line.read);
  useEffect(() => (id ? line.open() : undefined), [line, id]);
  return { line, calls };
}
