// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent } from 'react';
import { wordsOf } from '../api/errors';

/** A form that sends something: whether it is on its way, and in words why it was refused. */
export function useSubmit(send: () => Promise<unknown>) {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setBusy(true);
    setFault('');
    send()
      .catch((error: unknown) => setFault(wordsOf(error)))
      .finally(() => setBusy(false));
  };
  return { busy, fault, submit, setFault };
}
