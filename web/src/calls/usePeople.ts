// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useState } from 'react';
import { CallError, readPeople, type Someone } from './api';

const AGAIN_MS = 10_000;

/** Whom one can call, looked at again and again. @param onSignedOut  the session is over */
export function usePeople(onSignedOut: () => void): {
  people: Someone[] | undefined;
  again: () => Promise<void>;
} {
  const [people, setPeople] = useState<Someone[]>();
  const again = useCallback(
    () =>
      readPeople().then(setPeople, (error: unknown) => {
        if (error instanceof CallError && error.status === 401) onSignedOut();
      }),
    [onSignedOut],
  );
  useEffect(() => {
    void again();
    const timer = setInterval(() => void again(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [again]);
  return { people, again };
}
