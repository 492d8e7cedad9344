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

/** Its message is for the person. */
export class AccountError extends Error {}

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
  foreign_page: 'This page did not come from the server that it asks. Open it at its own address.',
};

async function problemOf(answer: Response): Promise<string> {
  if (answer.status === 429) {
    return `Too many tries. Try again in ${answer.headers.get('retry-after') ?? 'a few'} seconds.`;
  }
  const body = (await answer.json().catch(() => ({}))) as { code?: string };
  return WORDS[body.code ?? ''] ?? `The server refused (${answer.status}). Try again in a minute.`;
}

export async function post<T>(what: string, body: object = {}): Promise<T> {
  const answer = await fetch(`/meet/v1/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new AccountError('The server does not answer. Look at your connection and try again.');
  });
  if (!answer.ok) throw new AccountError(await problemOf(answer));
  return (await answer.json()) as T;
}

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
