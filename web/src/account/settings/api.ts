// SPDX-License-Identifier: Apache-2.0
// One's own account, as docs/openapi/aura-v1.yaml has it.
import { AccountError, ask } from '../api';
import { makePasskey, type Wanted } from '../passkey';

export interface PasskeyInfo {
  id: string;
  /** '' = none was given. */
  name: string;
  site: string;
  created_us: number;
  used_us: number;
}

export interface Ways {
  password: boolean;
  passkeys: PasskeyInfo[];
  /** Browsers that are signed in, this one among them. */
  sessions: number;
}

export type Privacy = 'everyone' | 'contacts' | 'nobody';

const OWN = '/aura/v1/account';
const ME = '/aura/v1/ids/me';
export const EXPORT = `${ME}/export`;

export const readWays = () => ask<Ways>('GET', OWN);
export const renamePasskey = (id: string, name: string) =>
  ask<unknown>('PATCH', `${OWN}/passkeys/${id}`, { name });
export const removePasskey = (id: string) => ask<unknown>('DELETE', `${OWN}/passkeys/${id}`);
export const signOutOthers = () => ask<unknown>('POST', `${OWN}/sign-out-others`);

export async function addPasskey(name: string): Promise<unknown> {
  const wanted = await ask<Wanted & { display: string }>('POST', `${OWN}/passkeys/begin`);
  return ask('POST', `${OWN}/passkeys`, { name, ...(await makePasskey(wanted, wanted.display)) });
}

/** @param current  '' = there is none */
export async function setPassword(password: string, current: string): Promise<void> {
  await ask('PUT', `${OWN}/password`, { password, ...(current && { current }) }).catch((error: unknown) => {
    if (error instanceof AccountError && error.code === 'bad_credentials') {
      throw new AccountError('That is not your password until now. Nothing was changed.', error.code);
    }
    throw error;
  });
}

export const readPrivacy = async () => (await ask<{ privacy: Privacy }>('GET', ME)).privacy;
export const setPrivacy = (privacy: Privacy) => ask<unknown>('PATCH', ME, { privacy });
export const readBlocks = async () => (await ask<{ blocks: string[] }>('GET', '/aura/v1/blocks')).blocks;
export const block = (id: string) => ask<unknown>('PUT', `/aura/v1/blocks/${encodeURIComponent(id)}`);
export const unblock = (id: string) => ask<unknown>('DELETE', `/aura/v1/blocks/${encodeURIComponent(id)}`);
export const deleteMe = () => ask<unknown>('DELETE', ME);
