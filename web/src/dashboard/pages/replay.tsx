// SPDX-License-Identifier: Apache-2.0
import { useState } from 'react';
import { api, take, type Schemas } from '../api/client';
import { ApiError } from '../api/errors';
import { useAct } from '../api/useAct';
import { Confirm } from '../parts/Confirm';
import { Field } from '../parts/Field';

interface Range {
  from: number;
  to?: number;
  room?: string;
}

function useReplay() {
  const act = useAct('webhooks', 'overview');
  return async (body: Range) => {
    const { replayed } = await act(take(api.POST('/api/v1/webhooks/replay', { body })));
    if (replayed === 0)
      throw new ApiError(0, 'none', 'No event with these numbers is kept any more. Choose others.');
  };
}

export function ReplayOne({ event }: { event: Schemas['WebhookEvent'] }) {
  const replay = useReplay();
  return (
    <Confirm
      label="Send again"
      title={`Send event ${event.seq} again?`}
      does="Send again"
      act={() => replay({ from: event.seq, to: event.seq })}
    >
      <p>
        {event.event} goes to all URLs once more, with the same id: an app that looks at ids knows that it had
        it.
      </p>
    </Confirm>
  );
}

export function ReplayMany() {
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [room, setRoom] = useState('');
  const replay = useReplay();
  const send = () =>
    replay({
      from: Number(from),
      ...(to && { to: Number(to) }),
      ...(room.trim() && { room: room.trim() }),
    });
  return (
    <Confirm label="Send many again" title="Send events again" does="Send again" act={send}>
      <p>
        To all URLs, in their old order and with their old ids: after an app has lost its data, as a rule.
      </p>
      <Field label="From number" type="number" min={1} required value={from} onChange={setFrom} />
      <Field
        label="To number"
        type="number"
        min={from || 1}
        value={to}
        hint="Empty: up to the newest."
        onChange={setTo}
      />
      <Field
        label="Of this room only"
        value={room}
        maxLength={256}
        hint="Empty: of all rooms."
        onChange={setRoom}
      />
    </Confirm>
  );
}
