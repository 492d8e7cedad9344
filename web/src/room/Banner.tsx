// SPDX-License-Identifier: Apache-2.0
import { ConnectionState } from 'livekit-client';
import { IconButton } from '../ui/IconButton';

interface Props {
  state: ConnectionState;
  problem: string;
  onClose: () => void;
}

const WORDS: Partial<Record<ConnectionState, string>> = {
  [ConnectionState.Connecting]: 'Joining the call…',
  [ConnectionState.Reconnecting]: 'The connection is gone. Coming back…',
  [ConnectionState.SignalReconnecting]: 'The connection is shaky. Coming back…',
};

export function Banner({ state, problem, onClose }: Props) {
  const words = WORDS[state];
  return (
    <div className="banners">
      <div role="status">{words && <p className="banner">{words}</p>}</div>
      {problem && (
        <div className="banner banner-fault" role="alert">
          <p>{problem}</p>
          <IconButton icon="close" label="Close this message" onPress={onClose} />
        </div>
      )}
    </div>
  );
}
