// SPDX-License-Identifier: Apache-2.0
// Messages about a direct connection hold network addresses, and attributes are seen by all in the room and kept by the
// server: they are sealed for the one that they are for (ECDH P-256, AES-GCM; keys last as long as the page).

const CURVE = { name: 'ECDH', namedCurve: 'P-256' };
const IV_BYTES = 12;

const toText = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
const toBytes = (text: string) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

export interface Keys {
  own: CryptoKey;
  /** The public one, as an attribute's value. */
  shown: string;
}

export async function makeKeys(): Promise<Keys> {
  const pair = await crypto.subtle.generateKey(CURVE, false, ['deriveKey']);
  return {
    own: pair.privateKey,
    shown: toText(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))),
  };
}

async function secretOf(own: CryptoKey, theirs: string): Promise<CryptoKey> {
  const key = await crypto.subtle.importKey('raw', toBytes(theirs), CURVE, false, []);
  const aes = { name: 'AES-GCM', length: 256 };
  return crypto.subtle.deriveKey({ name: 'ECDH', public: key }, own, aes, false, ['encrypt', 'decrypt']);
}

// Who says it to whom is sealed with it: a message sent back to its author does not open.
const about = (from: string, to: string) => new TextEncoder().encode(JSON.stringify([from, to]));

/** @param from, to  identities */
export async function seal(keys: Keys, theirs: string, from: string, to: string, text: string) {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const how = { name: 'AES-GCM', iv, additionalData: about(from, to) };
  const secret = await secretOf(keys.own, theirs);
  const sealed = await crypto.subtle.encrypt(how, secret, new TextEncoder().encode(text));
  return toText(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
}

/** null = not for us, or not from the other. */
export async function unseal(keys: Keys, theirs: string, from: string, to: string, sealed: string) {
  try {
    const bytes = toBytes(sealed);
    const how = { name: 'AES-GCM', iv: bytes.slice(0, IV_BYTES), additionalData: about(from, to) };
    const secret = await secretOf(keys.own, theirs);
    return new TextDecoder().decode(await crypto.subtle.decrypt(how, secret, bytes.slice(IV_BYTES)));
  } catch {
    return null;
  }
}
