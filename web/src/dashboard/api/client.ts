// SPDX-License-Identifier: Apache-2.0
// The server's API; its types are made from docs/openapi/api.yaml by `npm run types`.
import createClient from 'openapi-fetch';
import type { components, paths } from '../../../.types/api';
import { ApiError } from './errors';

export type Schemas = components['schemas'];
export type Session = components['responses']['Session']['content']['application/json'];

export const api = createClient<paths>({ baseUrl: location.origin });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What was asked for, or an ApiError that says why not. */
export async function take<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch {
    throw new ApiError(0, 'offline', 'The server does not answer. Look at your connection and try again.');
  }
  if (answer.response.ok) return answer.data as T;
  throw ApiError.of(answer.response, answer.error);
}
