// SPDX-License-Identifier: Apache-2.0
import { api, take } from '../api/client';
import { usePages } from '../parts/usePages';

/** Open rooms whose names have `search` in them. */
export const useRooms = (search: string) =>
  usePages(
    ['rooms', search],
    async (after) => {
      const query = { ...(search && { search }), ...(after && { after: String(after) }) };
      const { rooms, next } = await take(api.GET('/api/v1/rooms', { params: { query } }));
      return { rows: rooms, next };
    },
    { live: true },
  );
