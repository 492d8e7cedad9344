// SPDX-License-Identifier: Apache-2.0
import { LiveKitRoom, RoomAudioRenderer, StartAudio } from '@livekit/components-react';
import type { DisconnectReason } from 'livekit-client';
import { useMemo, useState } from 'react';
import { signalUrl } from '../app/address';
import type { Theme } from '../app/useTheme';
import type { Session } from '../prejoin/session';
import { makeRoom } from './makeRoom';
import { RoomView } from './RoomView';
import { farewellOf, deviceProblem } from './words';

interface Props {
  session: Session;
  theme: Theme;
  onLeave: (farewell: string) => void;
}

const capture = (on: boolean, device: string) => on && (device ? { deviceId: { ideal: device } } : true);

export default function RoomPage({ session, theme, onLeave }: Props) {
  const [room] = useState(() => makeRoom(session.passphrase));
  const [problem, setProblem] = useState('');
  const audio = useMemo(() => capture(session.microphone, session.audioDevice), [session]);
  const video = useMemo(() => capture(session.camera, session.videoDevice), [session]);
  return (
    <LiveKitRoom
      className="call"
      room={room}
      serverUrl={signalUrl(location)}
      token={session.token}
      audio={audio}
      video={video}
      onDisconnected={(reason?: DisconnectReason) => onLeave(farewellOf(reason))}
      onError={(error) => onLeave(`The call could not begin: ${error.message}`)}
      onMediaDeviceFailure={(failure) => setProblem(deviceProblem(failure))}
    >
      <RoomAudioRenderer />
      <StartAudio className="main-button start-audio" label="Let me hear the others" />
      <RoomView session={session} theme={theme} problem={problem} onProblem={setProblem} />
    </LiveKitRoom>
  );
}
