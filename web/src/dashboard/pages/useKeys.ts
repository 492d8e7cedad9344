// SPDX-License-Identifier: Apache-2.0
import { api, take } from '../api/client';
import { usePages } from '../parts/usePages';

export const useKeys = () =>
  usePages(['keys'], async (after) => {
    const query = { limit: 200, ...(after && { after: String(after) }) };
    const { keys, next } = await take(api.GET('/api/v1/keys', { params: { query } }));
    return { rows: keys, next };
  });
