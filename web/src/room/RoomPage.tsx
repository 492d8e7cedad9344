// SPDX-License-Identifier: Apache-2.0
import { LiveKitRoom, RoomAudioRenderer, StartAudio } from '@livekit/components-react';
import { ConnectionState, type DisconnectReason, type MediaDeviceFailure } from 'livekit-client';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { signalUrl } from '../app/address';
import type { Theme } from '../app/useTheme';
import type { CallsState } from '../calls/state';
import type { Session } from '../prejoin/session';
import { makeRoom } from './makeRoom';
import { RoomView } from './RoomView';
import { deviceProblem, farewellOf, isOver } from './words';

interface Props {
  session: Session;
  theme: Theme;
  calls: CallsState;
  /** @param over  the server has ended it */
  onLeave: (farewell: string, over: boolean) => void;
}

const capture = (on: boolean, device: string) => on && (device ? { deviceId: { ideal: device } } : true);

export default function RoomPage({ session, theme, calls, onLeave }: Props) {
  const [room] = useState(() => makeRoom(session.passphrase));
  const [problem, setProblem] = useState('');
  const audio = useMemo(() => capture(session.microphone, session.audioDevice), [session]);
  const video = useMemo(() => capture(session.camera, session.videoDevice), [session]);

  // LiveKitRoom connects anew with each new callback, so these stay the same for the whole call.
  const leave = useRef(onLeave);
  useEffect(() => {
    leave.current = onLeave;
  });
  const called = session.call !== undefined;
  const onDisconnected = useCallback(
    (reason?: DisconnectReason) => {
      const over = isOver(reason);
      leave.current(called && over ? 'The call is over.' : farewellOf(reason), over);
    },
    [called],
  );
  const onDevice = useCallback((failure?: MediaDeviceFailure) => setProblem(deviceProblem(failure)), []);
  const onError = useCallback(
    (error: Error) => {
      // Also for a camera or microphone that is not given: with that one can still listen and watch.
      if (room.state === ConnectionState.Disconnected)
        leave.current(`The call could not begin: ${error.message}`, false);
    },
    [room],
  );

  return (
    <LiveKitRoom
      className="call"
      room={room}
      serverUrl={session.url ?? signalUrl(location)}
      token={session.token}
      audio={audio}
      video={video}
      onDisconnected={onDisconnected}
      onError={onError}
      onMediaDeviceFailure={onDevice}
    >
      <RoomAudioRenderer />
      <StartAudio className="main-button start-audio" label="Let me hear the others" />
      <RoomView session={session} theme={theme} calls={calls} problem={problem} onProblem={setProblem} />
    </LiveKitRoom>
  );
}
