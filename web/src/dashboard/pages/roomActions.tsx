// SPDX-License-Identifier: Apache-2.0
// What an admin can do to rooms and to who is in them. Each asks first.
import { useState } from 'react';
import { useLocation } from 'wouter';
import { api, take, type Schemas } from '../api/client';
import { useAct } from '../api/useAct';
import { useIsAdmin } from '../api/useOperator';
import { Confirm } from '../parts/Confirm';
import { Field } from '../parts/Field';
import { personText, sourceText } from '../words/names';

type Room = Schemas['Room'];
type Person = Schemas['Participant'];
type Track = Schemas['Track'];

export function CloseRoom({ room }: { room: Room }) {
  const act = useAct('room', 'rooms', 'overview');
  const [, go] = useLocation();
  if (!useIsAdmin()) return null;
  const close = async () => {
    await act(
      take(api.DELETE('/api/v1/rooms/{room}', { params: { path: { room: room.sid } } })).then(() =>
        go('/rooms'),
      ),
    );
  };
  return (
    <Confirm label="Close the room" title={`Close ${room.name}?`} does="Close it" danger act={close}>
      <p>
        All {room.participants} in it are disconnected at once. Whoever has a token may open a room of the
        same name again.
      </p>
    </Confirm>
  );
}

/** To all in the room, or to one. */
export function SendMessage({ room, person }: { room: Room; person?: Person }) {
  const [text, setText] = useState('');
  const act = useAct();
  if (!useIsAdmin()) return null;
  const send = async () => {
    const body = { text, ...(person && { to: [person.identity] }) };
    await act(take(api.POST('/api/v1/rooms/{room}/message', { params: { path: { room: room.sid } }, body })));
    setText('');
  };
  const whom = person ? personText(person) : `all in ${room.name}`;
  return (
    <Confirm
      label={person ? 'Message' : 'Message to all'}
      title={`A message to ${whom}`}
      does="Send"
      act={send}
    >
      <Field
        label="Text"
        value={text}
        required
        maxLength={1000}
        autoComplete="off"
        hint="It comes as a chat message, in apps that have a chat."
        onChange={setText}
      />
    </Confirm>
  );
}

export function Kick({ room, person }: { room: Room; person: Person }) {
  const act = useAct('room', 'rooms', 'overview');
  if (!useIsAdmin()) return null;
  const path = { room: room.sid, participant: person.sid };
  return (
    <Confirm
      label="Remove"
      title={`Remove ${personText(person)} from the room?`}
      does="Remove"
      danger
      act={() =>
        act(take(api.DELETE('/api/v1/rooms/{room}/participants/{participant}', { params: { path } })))
      }
    >
      <p>
        They are disconnected from {room.name} at once. Whoever has a valid token may come back: to keep them
        out, let your app give them none.
      </p>
    </Confirm>
  );
}

export function Move({ room, person }: { room: Room; person: Person }) {
  const [name, setName] = useState('');
  const act = useAct('room', 'rooms', 'overview');
  if (!useIsAdmin()) return null;
  const path = { room: room.sid, participant: person.sid };
  const move = () =>
    act(
      take(
        api.POST('/api/v1/rooms/{room}/participants/{participant}/move', {
          params: { path },
          body: { room: name.trim() },
        }),
      ),
    );
  return (
    <Confirm label="Move" title={`Move ${personText(person)} to another room`} does="Move" act={move}>
      <Field
        label="Name of the other room"
        value={name}
        required
        maxLength={256}
        autoComplete="off"
        hint="It is opened if it is not there. Their app connects anew, and goes on sending what it sends."
        onChange={setName}
      />
    </Confirm>
  );
}

export function Mute({ room, track, person }: { room: Room; track: Track; person: Person }) {
  const act = useAct('room');
  if (!useIsAdmin()) return null;
  const path = { room: room.sid, track: track.sid };
  const what = `${sourceText(track).toLowerCase()} of ${personText(person)}`;
  return (
    <Confirm
      label={track.muted ? 'Unmute' : 'Mute'}
      title={track.muted ? `Unmute the ${what}?` : `Mute the ${what}?`}
      does={track.muted ? 'Unmute' : 'Mute'}
      act={() =>
        act(
          take(
            api.POST('/api/v1/rooms/{room}/tracks/{track}/mute', {
              params: { path },
              body: { muted: !track.muted },
            }),
          ),
        )
      }
    >
      <p>
        {track.muted
          ? 'Others get it again. This works only where the server may unmute people (room.enable_remote_unmute).'
          : 'Nobody gets it any more, until they unmute it themselves.'}
      </p>
    </Confirm>
  );
}
