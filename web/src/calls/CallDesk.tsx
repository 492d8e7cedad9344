// SPDX-License-Identifier: Apache-2.0
import { IconButton } from '../ui/IconButton';
import { Incoming } from './Incoming';
import type { Line } from './line';
import { Outgoing } from './Outgoing';
import type { CallsState } from './state';
import './calls.css';

interface Props {
  line: Line;
  calls: CallsState;
}

/** What lies over every page: who calls, whom one calls, and what has become of it. */
export function CallDesk({ line, calls }: Props) {
  const ring = calls.ringing[0];
  return (
    <>
      {ring && (
        <Incoming
          key={ring.call}
          ring={ring}
          onAccept={() => void line.accept(ring.call)}
          onDecline={() => void line.decline(ring.call)}
          onHide={() => line.hide(ring.call)}
        />
      )}
      {calls.placed && <Outgoing placed={calls.placed} onCancel={() => void line.cancel()} />}
      {calls.notice && (
        <div className="call-notice" role="status">
          <p>{calls.notice}</p>
          <IconButton icon="close" label="Close this note" onPress={() => line.say('')} />
        </div>
      )}
    </>
  );
}
