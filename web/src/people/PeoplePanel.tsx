// SPDX-License-Identifier: Apache-2.0
import { useParticipantAttributes, useParticipants } from '@livekit/components-react';
import type { Participant } from 'livekit-client';
import { useState } from 'react';
import { AddToCall } from '../calls/AddToCall';
import type { CallsState } from '../calls/state';
import { wishOf } from '../aic/attributes';
import { Panel } from '../room/Panel';
import { HAND } from '../signals/useHand';
import { Icon } from '../ui/Icon';
import type { Session } from '../prejoin/session';
import { mayModerate } from './moderation';
import { Moderate } from './Moderate';
import { nameOf } from './names';
import './people.css';

const WISHES = { on: '', saver: 'data saver', off: 'AI compression off' };

interface RowProps {
  participant: Participant;
  session: Session;
  moderator: boolean;
  onFault: (words: string) => void;
}

function Row({ participant, session, moderator, onFault }: RowProps) {
  const { attributes = {} } = useParticipantAttributes({ participant });
  const mic = participant.isMicrophoneEnabled;
  const camera = participant.isCameraEnabled;
  const wish = WISHES[wishOf(attributes)];
  return (
    <li className="person">
      <span className="person-name">
        {nameOf(participant)}
        {participant.isLocal && <span className="note"> (you)</span>}
        {participant.isAgent && <span className="person-tag">agent</span>}
        {wish && <span className="note"> · {wish}</span>}
      </span>
      {moderator && !participant.isLocal && (
        <Moderate participant={participant} session={session} onFault={onFault} />
      )}
      {attributes[HAND] && (
        <span className="person-sign" title="Raised a hand">
          <Icon name="hand" />
          <span className="unseen">raised a hand</span>
        </span>
      )}
      <span className="person-sign" title={mic ? 'Can be heard' : 'Muted'}>
        <Icon name={mic ? 'mic' : 'micOff'} />
        <span className="unseen">{mic ? 'can be heard' : 'muted'}</span>
      </span>
      <span className="person-sign" title={camera ? 'Can be seen' : 'Camera off'}>
        <Icon name={camera ? 'camera' : 'cameraOff'} />
        <span className="unseen">{camera ? 'can be seen' : 'camera off'}</span>
      </span>
    </li>
  );
}

interface PanelProps {
  session: Session;
  calls: CallsState;
  onClose: () => void;
}

export function PeoplePanel({ session, calls, onClose }: PanelProps) {
  const [fault, setFault] = useState('');
  const moderator = mayModerate(session.token);
  const people = useParticipants();
  const hand = (p: Participant) => Number(p.attributes[HAND] ?? '') || Infinity;
  const sorted = [...people].sort((a, b) => {
    const [first, second] = [hand(a), hand(b)];
    return first === second ? 0 : first - second;
  });
  return (
    <Panel title={`People (${people.length})`} onClose={onClose}>
      {fault && (
        <p className="fault people-fault" role="alert">
          {fault}
        </p>
      )}
      {session.call && <AddToCall call={session.call} calls={calls} />}
      <ul className="people">
        {sorted.map((participant) => (
          <Row
            key={participant.identity}
            participant={participant}
            session={session}
            moderator={moderator}
            onFault={setFault}
          />
        ))}
      </ul>
    </Panel>
  );
}
