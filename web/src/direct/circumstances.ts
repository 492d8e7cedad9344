// SPDX-License-Identifier: Apache-2.0
import { ParticipantKind, type Room } from 'livekit-client';
import { WISH } from '../aic/attributes';
import type { Exchange } from './Exchange';
import { reasonFor, type Reason } from './words';

/** Why media of this room goes by the server now, '' = it can go directly. */
export function reasonIn(room: Room, exchange: Exchange, mine: boolean, encrypted: boolean): Reason {
  const others = [...room.remoteParticipants.values()];
  const [other] = others;
  const wishes = [room.localParticipant, ...others].map((one) => one.attributes[WISH]);
  return reasonFor({
    able: 'subtle' in crypto && 'RTCPeerConnection' in window,
    encrypted,
    mine,
    theirs: other !== undefined && exchange.keyOf(other) !== '',
    others: others.length,
    person: other?.kind === ParticipantKind.STANDARD,
    recording: room.isRecording,
    aic: wishes.some((wish) => wish === 'on' || wish === 'saver'),
  });
}
