// SPDX-License-Identifier: Apache-2.0
// What the server knows of who looks at the page, and how they become somebody: docs/meet.md.

export interface Me {
  id: string;
  display: string;
}

export interface About {
  /** Does a name suffice to join? */
  guests: boolean;
  /** closed: nobody new. */
  accounts: 'off' | 'closed' | 'open';
  me: Me | null;
}

/** Its message is for the person, its code the server's. */
export class AccountError extends Error {
  constructor(
    message: string,
    readonly code = '',
  ) {
    super(message);
  }
}

const WORDS: Record<string, string> = {
  bad_name: 'An AuraID has 3 to 32 small letters, digits, - and _, and begins with a letter or a digit.',
  bad_display: 'Please type in your name, so that others know who calls.',
  bad_password: 'Please choose a password of 10 characters or more.',
  bad_credentials: 'There is no such AuraID and password. Look at both and try again.',
  bad_passkey: 'That passkey does not fit here. Choose another one, or use your password.',
  no_such_kind: 'This server cannot use that kind of passkey. Choose another one, or a password.',
  no_passkeys: 'Passkeys do not work at this address. Use a password.',
  taken: 'That AuraID is somebody’s already. Choose another one.',
  too_late: 'That took too long. Try again.',
  no_sign_up: 'Nobody new can sign up here. Ask who runs this server.',
  no_accounts: 'There are no accounts here.',
  full: 'This server has no room for more people. Ask who runs it.',
  sign_in_again: 'For your safety this needs a new sign-in.',
  last: 'It is your only way in. Add another passkey or a password first.',
  limit: 'No more of them fit. Remove one first.',
  unauthorized: 'You are not signed in any more. Sign in again.',
  not_found: 'It is not there any more.',
  foreign_page: 'This page did not come from the server that it asks. Open it at its own address.',
};

async function problemOf(answer: Response): Promise<AccountError> {
  const { code = '' } = (await answer.json().catch(() => ({}))) as { code?: string };
  if (answer.status === 429 && code !== 'limit') {
    const wait = answer.headers.get('retry-after') ?? 'a few';
    return new AccountError(`Too many tries. Try again in ${wait} seconds.`, code);
  }
  return new AccountError(
    WORDS[code] ?? `The server refused (${answer.status}). Try again in a minute.`,
    code,
  );
}

export async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const init = body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {};
  const answer = await fetch(path, { method, ...init }).catch(() => {
    throw new AccountError('The server does not answer. Look at your connection and try again.');
  });
  if (!answer.ok) throw await problemOf(answer);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const post = <T>(what: string, body: object = {}) => ask<T>('POST', `/meet/v1/${what}`, body);

export async function readAbout(): Promise<About> {
  const answer = await fetch('/meet/v1/about');
  const { guests, accounts, me } = (await answer.json()) as Partial<About>;
  return {
    guests: guests === true,
    accounts: accounts === 'open' || accounts === 'closed' ? accounts : 'off',
    me: me ?? null,
  };
}

export const signUpByPassword = (name: string, display: string, password: string) =>
  post<Me>('sign-up/password', { name, display, password });
export const signInByPassword = (name: string, password: string) =>
  post<Me>('sign-in/password', { name, password });
export const signOut = () => post<object>('sign-out');
