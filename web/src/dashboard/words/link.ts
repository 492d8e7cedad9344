// SPDX-License-Identifier: Apache-2.0

/** The token of /dashboard/#setup=TOKEN; '' if there is none. Browsers never send it to a server. */
export function setUpToken(hash: string): string {
  const given = /^#setup=([^&]+)/.exec(hash)?.[1] ?? '';
  try {
    return decodeURIComponent(given);
  } catch {
    return '';
  }
}
