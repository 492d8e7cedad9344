// SPDX-License-Identifier: Apache-2.0

/** Its message is for the person. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }

  static of(response: Response, body: unknown): ApiError {
    const { code, message } = (typeof body === 'object' && body !== null ? body : {}) as {
      code?: unknown;
      message?: unknown;
    };
    const wait = response.headers.get('retry-after');
    if (typeof code === 'string' && typeof message === 'string' && message) {
      return new ApiError(response.status, code, message);
    }
    return response.status === 429
      ? new ApiError(429, 'too_many', `Too many requests from here. Try again in ${wait ?? 'a few'} seconds.`)
      : new ApiError(
          response.status,
          'unknown',
          `The server refused (${response.status}). Its log says why.`,
        );
  }
}

export const wordsOf = (error: unknown): string =>
  error instanceof ApiError ? error.message : 'Something went wrong in this page. Load it again.';

export const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.status === 401;

/** Asking again would give the same answer. */
export const isRefused = (error: unknown): boolean =>
  error instanceof ApiError && error.status >= 400 && error.status < 500;
