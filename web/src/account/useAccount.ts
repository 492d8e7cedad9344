// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useState } from 'react';
import { readAbout, signOut, type About, type Me } from './api';

export interface Account {
  /** What is possible here; not known yet: undefined. */
  about: About | undefined;
  me: Me | null;
  signedIn: (me: Me) => void;
  /** Also where the server has ended the session. */
  signedOut: () => void;
  signOut: () => void;
}

export function useAccount(): Account {
  const [about, setAbout] = useState<About>();
  useEffect(() => {
    // Who cannot be asked now is asked again by joining, and then says why not.
    readAbout().then(setAbout, () => setAbout({ guests: true, accounts: 'off', me: null }));
  }, []);
  const become = useCallback((me: Me | null) => setAbout((now) => now && { ...now, me }), []);
  const signedOut = useCallback(() => become(null), [become]);
  return {
    about,
    me: about?.me ?? null,
    signedIn: become,
    signedOut,
    signOut: () => void signOut().then(signedOut, signedOut),
  };
}
