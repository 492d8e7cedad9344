// SPDX-License-Identifier: Apache-2.0
import { useState } from 'react';
import { useDirect } from './useDirect';
import type { Reason } from './words';

const WHY: Record<Reason, string> = {
  '': '',
  off: '',
  unable: 'This browser or page cannot do that: it needs WebRTC and an address that begins with https.',
  encrypted: 'In a call with a passphrase everything goes by the server, encrypted.',
  alone: 'It begins when there is another person in the call who allows it too.',
  many: 'By the server: that is only for two people.',
  theirs: 'By the server: the other person has not allowed it.',
  aic: 'By the server: one of you asked for AI compression. Choose Off for it to go directly.',
  recording: 'By the server: the call is recorded.',
};

const NOW = {
  server: 'By the server.',
  trying: 'By the server, while a direct way is looked for.',
  direct: 'Directly, past the server, which compresses nothing then: choose On or Data saver for that.',
  leaving: 'Going back to the server.',
};

/** Whether one allows a direct connection. It shows addresses, so nothing is kept of it: each call asks anew. */
export function DirectSwitch() {
  const { call, view } = useDirect();
  const [fault, setFault] = useState('');
  const allow = (mine: boolean) => {
    setFault('');
    call
      .allow(mine)
      .catch(() => setFault('The server did not take that. Try again, or ask who invited you.'));
  };
  return (
    <fieldset className="switch">
      <legend>When there are only two of you</legend>
      <label className={view.mine ? 'switch-on' : ''}>
        <input
          type="checkbox"
          checked={view.mine}
          disabled={view.reason === 'encrypted' || view.reason === 'unable'}
          onChange={(e) => allow(e.target.checked)}
        />
        <span>
          <b>Connect directly</b>
          <span className="note">
            Picture and sound go straight from one browser to the other. The other person can then see your
            network address, and so about where you are.
          </span>
        </span>
      </label>
      <p className="note" role="status" data-direct={view.phase}>
        {WHY[view.reason] || (view.mine && NOW[view.phase])}
      </p>
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
    </fieldset>
  );
}
