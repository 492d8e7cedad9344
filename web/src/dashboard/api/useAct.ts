// SPDX-License-Identifier: Apache-2.0
import { useQueryClient } from '@tanstack/react-query';

/** Does something on the server, and then reads anew what it has changed, by the first word of the keys. */
export function useAct(...changes: readonly string[]) {
  const queries = useQueryClient();
  return async <T>(doing: Promise<T>): Promise<T> => {
    try {
      return await doing;
    } finally {
      void queries.invalidateQueries({ predicate: ({ queryKey }) => changes.includes(String(queryKey[0])) });
    }
  };
}
