// SPDX-License-Identifier: Apache-2.0
import { useState } from 'react';
import { AccountError } from '../api';

export interface Task {
  busy: boolean;
  /** For the person: what went wrong, and what was done. */
  fault: string;
  done: string;
  say: (fault: string) => void;
  run: (what: () => Promise<unknown>, done?: string) => void;
}

/** Something that the server is asked to do. @param onCode  told what it refused by */
export function useTask(onCode: (code: string) => void): Task {
  const [state, setState] = useState({ busy: false, fault: '', done: '' });
  return {
    ...state,
    say: (fault) => setState({ busy: false, fault, done: '' }),
    run: (what, done = '') => {
      setState({ busy: true, fault: '', done: '' });
      what().then(
        () => setState({ busy: false, fault: '', done }),
        (error: unknown) => {
          const known = error instanceof AccountError;
          setState({
            busy: false,
            fault: known ? error.message : 'Something went wrong. Try again.',
            done: '',
          });
          if (known) onCode(error.code);
        },
      );
    },
  };
}
