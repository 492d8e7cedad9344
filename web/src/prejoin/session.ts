// SPDX-License-Identifier: Apache-2.0
// How somebody gets into a room: a guest by a name, others by a token that an application gave them.

export interface Session {
  token: string;
  room: string;
  passphrase: string;
  microphone: boolean;
  camera: boolean;
  audioDevice: string;
  videoDevice: string;
  /** A call between AuraIDs, and whom it is with; nothing: a room by its name. */
  call?: string;
  title?: string;
  /** Where to join; nothing: at the server that showed the page. */
  url?: string;
}

/** Its message is for the person. */
export class JoinError extends Error {}

const WORDS: Record<string, string> = {
  bad_name: 'Please choose a shorter name, of letters and signs that can be seen.',
  bad_room: 'Please choose a shorter name for the room.',
  not_open: 'Guests may not go into this room. Ask the one who invited you for another link.',
  no_guests: 'This server lets nobody in without an access token. If you were signed in, sign in again.',
  foreign_page: 'This page did not come from the server that it asks. Open the call at its own address.',
  unavailable: 'The server cannot let anybody in just now. Try again in a minute.',
};

async function refusal(answer: Response): Promise<string> {
  if (answer.status === 429) {
    return `Too many people have joined from your network. Try again in ${answer.headers.get('retry-after') ?? 'a few'} seconds.`;
  }
  const body = (await answer.json().catch(() => ({}))) as { code?: string };
  return WORDS[body.code ?? ''] ?? `The server refused (${answer.status}). Try again, or ask who runs it.`;
}

async function call(path: string, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch {
    throw new JoinError('The server does not answer. Look at your connection and try again.');
  }
}

async function join(body: object): Promise<string> {
  const answer = await call('/meet/v1/join', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new JoinError(await refusal(answer));
  return ((await answer.json()) as { token: string }).token;
}

export const guestToken = (room: string, name: string) => join({ room, name });
/** As who is signed in. */
export const accountToken = (room: string) => join({ room });

/** The room that a token is for; '' if it is none. Only shown: the server reads it for itself. */
export function roomOfToken(token: string): string {
  try {
    const part = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    const claims = JSON.parse(atob(part)) as { video?: { room?: unknown } };
    return typeof claims.video?.room === 'string' ? claims.video.room : '';
  } catch {
    return '';
  }
}
