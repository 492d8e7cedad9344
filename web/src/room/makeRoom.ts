// SPDX-License-Identifier: Apache-2.0
import { ExternalE2EEKeyProvider, Room, type RoomOptions } from 'livekit-client';
import workerUrl from 'livekit-client/e2ee-worker?worker&url';

const OPTIONS: RoomOptions = {
  adaptiveStream: true, // what is small on the screen is small on the wire
  dynacast: true,
  disconnectOnPageLeave: true,
};

/** A room that is not connected yet. @param passphrase  '' = not encrypted end to end */
export function makeRoom(passphrase: string): Room {
  if (!passphrase) return new Room(OPTIONS);
  const keyProvider = new ExternalE2EEKeyProvider();
  const worker = new Worker(workerUrl, { type: 'module' });
  const room = new Room({ ...OPTIONS, encryption: { keyProvider, worker } });
  void keyProvider.setKey(passphrase).then(() => room.setE2EEEnabled(true));
  return room;
}
