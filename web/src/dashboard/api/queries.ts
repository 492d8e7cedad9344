// SPDX-License-Identifier: Apache-2.0
// What pages read. Keys begin with what it is about, so that an event knows what to read anew.
import { QueryCache, QueryClient } from '@tanstack/react-query';
import { isRefused, isSignedOut } from './errors';

export const SESSION = ['session'] as const;

/** Read again with every tick of the server. */
export const LIVE = { meta: { live: true } } as const;

export function makeQueries(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (isSignedOut(error) && query.queryKey[0] !== SESSION[0]) {
          void client.invalidateQueries({ queryKey: SESSION });
        }
      },
    }),
    defaultOptions: {
      queries: {
        retry: (failures, error) => failures < 1 && !isRefused(error),
        staleTime: 2000,
        refetchOnWindowFocus: true,
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
  return client;
}
