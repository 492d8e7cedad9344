// SPDX-License-Identifier: Apache-2.0
// A call's address is /r/ROOM; a passphrase is behind the '#', which browsers never send to a server.

export interface Address {
  room: string;
  passphrase: string;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

export function readAddress(location: Location): Address {
  const room = /^\/r\/([^/]+)/.exec(location.pathname)?.[1] ?? '';
  const key = /^#key=(.+)/.exec(location.hash)?.[1] ?? '';
  return { room: decoded(room), passphrase: decoded(key) };
}

export function pathOf({ room, passphrase }: Address): string {
  const key = passphrase ? `#key=${encodeURIComponent(passphrase)}` : '';
  return room ? `/r/${encodeURIComponent(room)}${key}` : '/';
}

/** Where the server that showed this page takes calls. */
export function signalUrl(location: Location): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
}
