// SPDX-License-Identifier: Apache-2.0
// /aura/v1 as the page uses it: docs/openapi/aura-v1.yaml.

export interface Someone {
  id: string;
  /** null: they do not show themselves. */
  kind: 'user' | 'agent' | null;
  display: string | null;
  contact: boolean;
  /** null: not told. */
  presence: 'in_call' | 'here' | 'away' | null;
}

/** Its message is for the person. */
export class CallError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

const WORDS: Record<number, string> = {
  401: 'You are not signed in any more. Sign in again.',
  404: 'Nobody of that AuraID can be called by you.',
  409: 'Another of your devices has answered, or the call is over.',
};

async function problemOf(answer: Response): Promise<string> {
  if (answer.status === 429) {
    return `Too many calls for now. Try again in ${answer.headers.get('retry-after') ?? 'a few'} seconds.`;
  }
  const body = (await answer.json().catch(() => ({}))) as { message?: string };
  return WORDS[answer.status] ?? body.message ?? `The server refused (${answer.status}).`;
}

async function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const init = body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {};
  const answer = await fetch(`/aura/v1/${path}`, { method, ...init }).catch(() => {
    throw new CallError('The server does not answer. Look at your connection and try again.', 0);
  });
  if (!answer.ok) throw new CallError(await problemOf(answer), answer.status);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const readPeople = async () => (await ask<{ people: Someone[] }>('GET', 'people')).people;
export const addContact = (id: string) => ask<unknown>('PUT', `contacts/${encodeURIComponent(id)}`);
export const dropContact = (id: string) => ask<unknown>('DELETE', `contacts/${encodeURIComponent(id)}`);
export const ring = (to: string[], device: string) =>
  ask<{ call: string; unreached: string[] }>('POST', 'calls', { to, device, video: true });
/** Rings one more, who comes into the call that goes on. */
export const add = (call: string, to: string) => ask<unknown>('POST', `calls/${call}/add`, { to });
export const accept = (call: string, device: string) =>
  ask<unknown>('POST', `calls/${call}/accept`, { device });
export const decline = (call: string, device: string) =>
  ask<unknown>('POST', `calls/${call}/decline`, { device });
export const leave = (call: string) => ask<unknown>('POST', `calls/${call}/leave`);
export const isThere = (call: string) =>
  ask<unknown>('GET', `calls/${call}`).then(
    () => true,
    (error: unknown) => !(error instanceof CallError && error.status === 404),
  );
export const forgetMissed = () => ask<unknown>('DELETE', 'calls/missed');

/** What somebody types for an AuraID, as the server writes it. */
export function idOf(text: string): string {
  const name = text
    .trim()
    .toLowerCase()
    .replace(/^@/, '')
    .replace(/\.aura$/, '');
  return /^[a-z0-9][a-z0-9_-]{2,31}$/.test(name) ? `@${name}.aura` : '';
}
