// SPDX-License-Identifier: Apache-2.0
import { DisconnectReason, MediaDeviceFailure } from 'livekit-client';

/** Has the server ended it, so that there is nothing left to hang up? */
export function isOver(reason?: DisconnectReason): boolean {
  return (
    reason === DisconnectReason.PARTICIPANT_REMOVED ||
    reason === DisconnectReason.ROOM_DELETED ||
    reason === DisconnectReason.ROOM_CLOSED
  );
}

export function farewellOf(reason?: DisconnectReason): string {
  switch (reason) {
    case DisconnectReason.PARTICIPANT_REMOVED:
      return 'You were taken out of the call.';
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return 'The call was ended for all.';
    case DisconnectReason.DUPLICATE_IDENTITY:
      return 'You joined from another place.';
    case DisconnectReason.SERVER_SHUTDOWN:
      return 'The server is restarting: join again in a moment.';
    case DisconnectReason.CLIENT_INITIATED:
    case undefined:
      return 'You have left the call.';
    default:
      return 'The connection was lost: join again.';
  }
}

export function deviceProblem(failure?: MediaDeviceFailure): string {
  switch (failure) {
    case MediaDeviceFailure.PermissionDenied:
      return 'The browser did not let the page use that device. Allow it beside the address and try again.';
    case MediaDeviceFailure.NotFound:
      return 'There is no such device any more. Choose another one.';
    case MediaDeviceFailure.DeviceInUse:
      return 'Another program uses that device. Close it and try again.';
    default:
      return 'That device does not work. Choose another one, or try again.';
  }
}
