// SPDX-License-Identifier: Apache-2.0
// Muting and removing others, for those whose token says that they may (roomAdmin for this room). The token in the page
// only decides which buttons are shown: the server reads it for itself.

interface Claims {
  video?: { roomAdmin?: unknown };
}

export function mayModerate(token: string): boolean {
  try {
    const part = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
    return (JSON.parse(atob(part)) as Claims).video?.roomAdmin === true;
  } catch {
    return false;
  }
}

/** A call of LiveKit's server API. Its error is for the person. */
async function ask(token: string, method: string, what: Record<string, unknown>): Promise<void> {
  const answer = await fetch(`/twirp/livekit.RoomService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(what),
  }).catch(() => null);
  if (!answer) throw new Error('The server does not answer. Look at your connection and try again.');
  if (answer.status === 404) throw new Error('They have left already.');
  if (!answer.ok) throw new Error('The server refused. Your token may have run out: join again.');
}

/** What they may undo by themselves. */
export function mute(
  token: string,
  room: string,
  identity: string,
  tracks: readonly string[],
): Promise<unknown> {
  return Promise.all(
    tracks.map((sid) => ask(token, 'MutePublishedTrack', { room, identity, track_sid: sid, muted: true })),
  );
}

export function remove(token: string, room: string, identity: string): Promise<void> {
  return ask(token, 'RemoveParticipant', { room, identity });
}
