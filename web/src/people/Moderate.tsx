// SPDX-License-Identifier: Apache-2.0
import { Track, type Participant } from 'livekit-client';
import { useState } from 'react';
import type { Session } from '../prejoin/session';
import { IconButton } from '../ui/IconButton';
import { mute, remove } from './moderation';
import { nameOf } from './names';

interface Props {
  participant: Participant;
  session: Session;
  onFault: (words: string) => void;
}

/** For who may: mute somebody, and take them out of the call, which is asked twice. */
export function Moderate({ participant, session, onFault }: Props) {
  const [sure, setSure] = useState(false);
  const { token, room } = session;
  const { identity } = participant;
  const name = nameOf(participant);
  const microphone = participant.getTrackPublication(Track.Source.Microphone);
  const run = (what: Promise<unknown>) => {
    onFault('');
    setSure(false);
    what.catch((error: unknown) =>
      onFault(error instanceof Error ? error.message : 'That did not work. Try again.'),
    );
  };
  if (sure) {
    return (
      <span className="person-sure" role="group" aria-label={`Remove ${name} from the call?`}>
        <button type="button" className="person-yes" onClick={() => run(remove(token, room, identity))}>
          Remove {name}
        </button>
        <button type="button" className="person-no" onClick={() => setSure(false)}>
          Keep
        </button>
      </span>
    );
  }
  return (
    <>
      {microphone && !microphone.isMuted && (
        <IconButton
          icon="micOff"
          label={`Mute ${name}`}
          onPress={() => run(mute(token, room, identity, [microphone.trackSid]))}
        />
      )}
      <IconButton icon="close" label={`Remove ${name}…`} onPress={() => setSure(true)} />
    </>
  );
}
