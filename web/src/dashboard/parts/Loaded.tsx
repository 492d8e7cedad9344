// SPDX-License-Identifier: Apache-2.0
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Fault } from './Fault';

interface Props<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}

/** What has been read; until then that it is on its way, or why it does not come. Old data stays while new fails. */
export function Loaded<T>({ query, children }: Props<T>) {
  const { data, error } = query;
  return (
    <>
      <Fault error={error} />
      {data === undefined ? !error && <p className="note loading">Loading…</p> : children(data)}
    </>
  );
}
