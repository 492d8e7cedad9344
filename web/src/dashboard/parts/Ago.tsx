// SPDX-License-Identifier: Apache-2.0
import { agoText, dateText, NOTHING } from '../words/format';
import { useNow } from './useNow';

/** How long ago; the exact time is its title. */
export function Ago({ atMs }: { atMs: number | null | undefined }) {
  const now = useNow();
  if (!atMs) return <>{NOTHING}</>;
  return (
    <time dateTime={new Date(atMs).toISOString()} title={dateText(atMs)}>
      {agoText(atMs, now)}
    </time>
  );
}
