// SPDX-License-Identifier: Apache-2.0
import { useSyncExternalStore } from 'react';

const EVERY_MS = 5000;

function watch(changed: () => void) {
  const timer = setInterval(changed, EVERY_MS);
  return () => clearInterval(timer);
}

// The same value within a step, as React asks for.
const step = () => Math.floor(Date.now() / EVERY_MS) * EVERY_MS;

/** The time, every few seconds anew. */
export const useNow = (): number => useSyncExternalStore(watch, step);
