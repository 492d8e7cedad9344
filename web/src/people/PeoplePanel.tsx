// SPDX-License-Identifier: Apache-2.0
import { useParticipantAttributes, useParticipants } from '@livekit/components-react';
import type { Participant } from 'livekit-client';
import { wishOf } from '../aic/attributes';
import { Panel } from '../room/Panel';
import { HAND } from '../signals/useHand';
import { Icon } from '../ui/Icon';
import { nameOf } from './names';
import './people.css';

const WISHES = { on: '', saver: 'data saver', off: 'AI compression off' };

function Row({ participant }: { participant: Participant }) {
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

export function PeoplePanel({ onClose }: { onClose: () => void }) {
  const people = useParticipants();
  const hand = (p: Participant) => Number(p.attributes[HAND] ?? '') || Infinity;
  const sorted = [...people].sort((a, b) => {
    const [first, second] = [hand(a), hand(b)];
    return first === second ? 0 : first - second;
  });
  return (
    <Panel title={`People (${people.length})`} onClose={onClose}>
      <ul className="people">
        {sorted.map((participant) => (
          <Row key={participant.identity} participant={participant} />
        ))}
      </ul>
    </Panel>
  );
}
