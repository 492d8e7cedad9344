// SPDX-License-Identifier: Apache-2.0
import { useLocalParticipant } from '@livekit/components-react';
import { useState } from 'react';
import { REACTIONS, type Reaction } from '../signals/reactions';
import { IconButton } from '../ui/IconButton';
import type { Actions, PanelName } from './panels';

interface Props {
  ready: boolean;
  actions: Actions;
  raised: boolean;
  unread: number;
  panel: PanelName | null;
  onReact: (reaction: Reaction) => void;
}

/** Browsers there have no screens to share, even where they have the function; and the row of buttons is short. */
const isPhone = () => matchMedia('(hover: none) and (width <= 640px)').matches;

export function Controls({ ready, actions, raised, unread, panel, onReact }: Props) {
  const [open, setOpen] = useState(false);
  const {
    isMicrophoneEnabled: mic,
    isCameraEnabled: camera,
    isScreenShareEnabled: screen,
  } = useLocalParticipant();
  return (
    <nav className="controls" aria-label="Controls of the call">
      <IconButton
        icon={mic ? 'mic' : 'micOff'}
        label={mic ? 'Mute' : 'Unmute'}
        hint="M"
        kind={mic ? 'plain' : 'off'}
        disabled={!ready}
        onPress={actions.microphone}
      />
      <IconButton
        icon={camera ? 'camera' : 'cameraOff'}
        label={camera ? 'Turn the camera off' : 'Turn the camera on'}
        hint="V"
        kind={camera ? 'plain' : 'off'}
        disabled={!ready}
        onPress={actions.camera}
      />
      {window.isSecureContext && 'getDisplayMedia' in navigator.mediaDevices && !isPhone() && (
        <IconButton
          icon="screen"
          label={screen ? 'Stop sharing' : 'Share your screen'}
          hint="S"
          pressed={screen}
          disabled={!ready}
          onPress={actions.screen}
        />
      )}
      <IconButton
        icon="hand"
        label={raised ? 'Lower your hand' : 'Raise your hand'}
        hint="H"
        pressed={raised}
        disabled={!ready}
        onPress={actions.hand}
      />
      <div className="reactions">
        <IconButton
          icon="smile"
          label="Reactions"
          pressed={open}
          disabled={!ready}
          onPress={() => setOpen(!open)}
        />
        {open && (
          <div className="reactions-menu" role="group" aria-label="Send a reaction">
            {REACTIONS.map(({ sign, name }) => (
              <button
                key={name}
                type="button"
                className="round"
                aria-label={name}
                title={name}
                onClick={() => {
                  onReact(sign);
                  setOpen(false);
                }}
              >
                {sign}
              </button>
            ))}
          </div>
        )}
      </div>
      <IconButton
        icon="spark"
        label="AI compression and data used"
        hint="A"
        pressed={panel === 'aic'}
        onPress={() => actions.show('aic')}
      />
      <IconButton
        icon="people"
        label="People"
        hint="P"
        pressed={panel === 'people'}
        onPress={() => actions.show('people')}
      />
      <IconButton
        icon="chat"
        label={unread ? `Chat, ${unread} new` : 'Chat'}
        hint="C"
        pressed={panel === 'chat'}
        onPress={() => actions.show('chat')}
      >
        {unread > 0 && <span className="count">{Math.min(unread, 99)}</span>}
      </IconButton>
      <IconButton icon="leave" label="Leave the call" kind="danger" onPress={actions.leave} />
    </nav>
  );
}
