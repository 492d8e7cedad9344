// SPDX-License-Identifier: Apache-2.0
// What the page of one's account says. Pure functions.
import type { PasskeyInfo, Privacy } from './api';

export const PRIVACIES: readonly (readonly [value: Privacy, label: string, means: string])[] = [
  ['everyone', 'Everybody', 'All who know your AuraID, but for those whom you have blocked.'],
  [
    'contacts',
    'My contacts',
    'Those alone whom you have added. For others it looks as if you were not there.',
  ],
  ['nobody', 'Nobody', 'You can call, and nobody can call you.'],
];

const dayOf = (us: number, language?: string) =>
  new Date(us / 1000).toLocaleDateString(language, { dateStyle: 'medium' });

export const passkeyName = ({ name }: PasskeyInfo) => name || 'Passkey without a name';

export function passkeyText({ site, created_us, used_us }: PasskeyInfo, language?: string): string {
  const used = used_us > created_us ? `last used ${dayOf(used_us, language)}` : 'not used since';
  return `for ${site}, made ${dayOf(created_us, language)}, ${used}`;
}

export function sessionsText(sessions: number): string {
  if (sessions <= 1) return 'This browser alone is signed in.';
  const others = sessions - 1;
  return `You are signed in here, and in ${others === 1 ? 'another browser' : `${others} other browsers`}.`;
}

/** What is wrong with a new password that was typed twice; '' = nothing. */
export function passwordProblem(password: string, again: string): string {
  if (new TextEncoder().encode(password).length > 256) return 'That is too long: at most 256 bytes.';
  if (password.length < 10) return 'Please choose a password of 10 characters or more.';
  return password === again ? '' : 'The two passwords differ. Type in the new one again.';
}
