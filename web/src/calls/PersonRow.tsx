// SPDX-License-Identifier: Apache-2.0
import { IconButton } from '../ui/IconButton';
import type { Someone } from './api';
import { Avatar } from './Avatar';

const PRESENCE = { in_call: 'in a call', here: 'can be called', away: 'away' };

interface Props {
  one: Someone;
  chosen: boolean;
  onChoose: (chosen: boolean) => void;
  onCall: () => void;
  onDrop: () => void;
}

export function PersonRow({ one, chosen, onChoose, onCall, onDrop }: Props) {
  const name = one.display || one.id;
  return (
    <li className="callee">
      <input
        type="checkbox"
        aria-label={`Choose ${name}`}
        checked={chosen}
        onChange={(e) => onChoose(e.target.checked)}
      />
      <Avatar name={name} />
      <span className="callee-text">
        <span className="callee-name">
          {name}
          {one.kind === 'agent' && <span className="person-tag">AI agent</span>}
        </span>
        <span className="note">
          {one.display ? `${one.id} ` : ''}
          {one.presence && (
            <span className={`presence presence-${one.presence}`}>{PRESENCE[one.presence]}</span>
          )}
        </span>
      </span>
      <IconButton icon="camera" label={`Call ${name}`} onPress={onCall} />
      {one.contact && (
        <IconButton icon="close" label={`Remove ${name} from your contacts`} onPress={onDrop} />
      )}
    </li>
  );
}
