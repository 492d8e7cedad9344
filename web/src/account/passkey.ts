// SPDX-License-Identifier: Apache-2.0
// Passkeys (W3C Web Authentication): the server gives a challenge, the browser has it signed.
import { AccountError, post, type Me } from './api';
import { bytesOf, textOf } from './bytes';

const KINDS: PublicKeyCredentialParameters[] = [-7, -8, -257].map((alg) => ({ type: 'public-key', alg }));

/** Browsers make none for an address of numbers, nor without TLS but for localhost. */
export function passkeysWorkAt({ hostname }: { hostname: string }, secure: boolean): boolean {
  return secure && !/^[\d.]+$|:/.test(hostname);
}

export function passkeysWork(): boolean {
  return 'PublicKeyCredential' in window && passkeysWorkAt(location, isSecureContext);
}

async function ask(how: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  const made = await how().catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'InvalidStateError') {
      throw new AccountError('This device has a passkey for that account already.');
    }
    throw new AccountError('No passkey was given. Try again, or use a password.');
  });
  if (!(made instanceof PublicKeyCredential)) throw new AccountError('No passkey was given. Try again.');
  return made;
}

/** What the server asks for a new one; bytes are base64. */
export interface Wanted {
  challenge: string;
  rp: string;
  id: string;
  handle: string;
  /** Those that the account has for this site: a device makes no second one. */
  known?: string[];
}

/** Has the browser make one. */
export async function makePasskey(given: Wanted, display: string) {
  const { response } = await ask(() =>
    navigator.credentials.create({
      publicKey: {
        challenge: bytesOf(given.challenge),
        rp: { id: given.rp, name: 'AuraLink Meet' },
        user: { id: bytesOf(given.handle), name: given.id, displayName: display },
        pubKeyCredParams: KINDS,
        excludeCredentials: (given.known ?? []).map((id) => ({ type: 'public-key', id: bytesOf(id) })),
        attestation: 'none',
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      },
    }),
  );
  const made = response as AuthenticatorAttestationResponse;
  return {
    client_data: textOf(made.clientDataJSON),
    authenticator_data: textOf(made.getAuthenticatorData()),
  };
}

export async function signUpByPasskey(name: string, display: string): Promise<Me> {
  const made = await makePasskey(await post<Wanted>('sign-up/passkey/begin', { name }), display);
  return post('sign-up/passkey', { name, display, ...made });
}

export async function signInByPasskey(): Promise<Me> {
  const given = await post<{ challenge: string; rp: string }>('sign-in/passkey/begin');
  const credential = await ask(() =>
    navigator.credentials.get({
      publicKey: { challenge: bytesOf(given.challenge), rpId: given.rp, userVerification: 'required' },
    }),
  );
  const signed = credential.response as AuthenticatorAssertionResponse;
  return post('sign-in/passkey', {
    key: textOf(credential.rawId),
    client_data: textOf(signed.clientDataJSON),
    authenticator_data: textOf(signed.authenticatorData),
    signature: textOf(signed.signature),
  });
}
