// SPDX-License-Identifier: Apache-2.0
import { useInfiniteQuery } from '@tanstack/react-query';
import { LIVE } from '../api/queries';

interface Page<Row> {
  rows: Row[];
  next: string | number | null;
}

export interface Pages<Row> {
  rows: Row[] | undefined;
  error: unknown;
  more: (() => void) | null;
}

interface How {
  /** Read again with every tick. */
  live?: boolean;
}

/** A list that comes in pages; the next one is read when it is asked for. */
export function usePages<Row>(
  key: readonly unknown[],
  read: (after: string | number | undefined) => Promise<Page<Row>>,
  { live = false }: How = {},
): Pages<Row> {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | number | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    ...(live && LIVE),
  });
  return {
    rows: query.data?.pages.flatMap(({ rows }) => rows),
    error: query.error,
    more: query.hasNextPage ? () => void query.fetchNextPage() : null,
  };
}
