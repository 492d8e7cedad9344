// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'react';
import { guestsAllowed } from './session';

/** Does a name suffice here? Not known yet: undefined. */
export function useGuests(): boolean | undefined {
  const [guests, setGuests] = useState<boolean>();
  useEffect(() => {
    // Who cannot be asked now is asked again by joining, and then says why not.
    guestsAllowed().then(setGuests, () => setGuests(true));
  }, []);
  return guests;
}
