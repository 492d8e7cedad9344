// SPDX-License-Identifier: Apache-2.0
import { useConnectionState, useLocalParticipant, useRoomContext } from '@livekit/components-react';
import { ConnectionState } from 'livekit-client';
import { useCallback, useState } from 'react';
import { AicPanel } from '../aic/AicPanel';
import { useAicReports } from '../aic/useAicReports';
import { useTraffic } from '../aic/useTraffic';
import type { Theme } from '../app/useTheme';
import type { CallsState } from '../calls/state';
import { ChatPanel } from '../chat/ChatPanel';
import { useMessages } from '../chat/useMessages';
import { DirectSound } from '../direct/DirectSound';
import { DirectContext, useDirectCall } from '../direct/useDirect';
import { PeoplePanel } from '../people/PeoplePanel';
import type { Session } from '../prejoin/session';
import { Flights } from '../signals/Flights';
import { useHand } from '../signals/useHand';
import { useReactions } from '../signals/useReactions';
import { Stage } from '../stage/Stage';
import { Banner } from './Banner';
import { Controls } from './Controls';
import { DevicesPanel } from './DevicesPanel';
import { KeysPanel } from './KeysPanel';
import type { Layout, PanelName } from './panels';
import { TopBar } from './TopBar';
import { useShortcuts } from './useShortcuts';
import './room.css';

interface Props {
  session: Session;
  theme: Theme;
  calls: CallsState;
  problem: string;
  onProblem: (words: string) => void;
}

export function RoomView({ session, theme, calls, problem, onProblem }: Props) {
  const room = useRoomContext();
  const state = useConnectionState();
  const { localParticipant } = useLocalParticipant();
  const [panel, setPanel] = useState<PanelName | null>(null);
  const [layout, setLayout] = useState<Layout>('grid');
  const chat = useMessages(panel === 'chat');
  const hand = useHand();
  const reactions = useReactions();
  const reports = useAicReports();
  const direct = useDirectCall(session.passphrase !== '');
  const traffic = useTraffic(direct);

  const show = (name: PanelName) => setPanel(panel === name ? null : name);
  const turn = () => setLayout(layout === 'grid' ? 'speaker' : 'grid');
  const doOrSay = useCallback(
    (what: Promise<unknown>, words: string) => {
      onProblem('');
      what.catch(() => onProblem(words));
    },
    [onProblem],
  );
  const actions = {
    microphone: () =>
      doOrSay(
        localParticipant.setMicrophoneEnabled(!localParticipant.isMicrophoneEnabled),
        'The microphone cannot be used: look whether the browser allows it.',
      ),
    camera: () =>
      doOrSay(
        localParticipant.setCameraEnabled(!localParticipant.isCameraEnabled),
        'The camera cannot be used: look whether the browser allows it.',
      ),
    screen: () =>
      doOrSay(
        localParticipant.setScreenShareEnabled(!localParticipant.isScreenShareEnabled, { audio: true }),
        'Nothing is shared: choose a screen or a window to share one.',
      ),
    hand: hand.toggle,
    layout: turn,
    show,
    leave: () => void room.disconnect(),
  };
  useShortcuts(actions);

  return (
    <DirectContext value={direct}>
      <DirectSound />
      <TopBar session={session} theme={theme} layout={layout} onLayout={turn} onShow={show} panel={panel} />
      <Banner state={state} problem={problem} onClose={() => onProblem('')} />
      <div className="call-body">
        <main className="call-stage" aria-label="The call">
          <Stage layout={layout} reports={reports} rates={traffic.rates} />
          <Flights flights={reactions.flights} />
        </main>
        {panel === 'chat' && <ChatPanel chat={chat} onClose={() => setPanel(null)} />}
        {panel === 'people' && <PeoplePanel session={session} calls={calls} onClose={() => setPanel(null)} />}
        {panel === 'aic' && (
          <AicPanel traffic={traffic} encrypted={session.passphrase !== ''} onClose={() => setPanel(null)} />
        )}
        {panel === 'devices' && <DevicesPanel onClose={() => setPanel(null)} />}
        {panel === 'keys' && <KeysPanel onClose={() => setPanel(null)} />}
      </div>
      <Controls
        ready={state === ConnectionState.Connected}
        actions={actions}
        raised={hand.raised}
        unread={chat.unread}
        panel={panel}
        onReact={reactions.send}
      />
    </DirectContext>
  );
}
