// SPDX-License-Identifier: Apache-2.0
import { useConnectionState, useDataChannel, useLocalParticipant } from '@livekit/components-react';
import { ConnectionState } from 'livekit-client';
import { useEffect, useState } from 'react';
import { HINTS, TOPIC } from './attributes';

/** Why the server went back to native media, by the track's sid. */
export type Reports = ReadonlyMap<string, string>;

const TRACKS_MAX = 256;
const REASONS: Record<string, string> = {
  late: 'AI Core was too slow',
  silent: 'AI Core did not answer',
  broken: 'the connection to AI Core broke',
  refused: 'AI Core is full',
  draining: 'AI Core is being restarted',
  quality: 'the picture would have suffered',
};

function read(payload: Uint8Array): { track: string; reason: string } | null {
  try {
    const said = JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>;
    const reason = typeof said['reason'] === 'string' ? (REASONS[said['reason']] ?? '') : '';
    return typeof said['track'] === 'string' ? { track: said['track'], reason } : null;
  } catch {
    return null;
  }
}

/** Asks the server for its reports on tracks, and keeps the last of each. */
export function useAicReports(): Reports {
  const [reports, setReports] = useState<Reports>(new Map());
  const { localParticipant } = useLocalParticipant();
  const connected = useConnectionState() === ConnectionState.Connected;
  useEffect(() => {
    if (connected) localParticipant.setAttributes({ [HINTS]: 'on' }).catch(() => undefined);
  }, [connected, localParticipant]);
  useDataChannel(TOPIC, ({ from, payload }) => {
    const said = from ? null : read(payload); // the server is nobody in the room: others are not believed
    if (!said || (reports.get(said.track) ?? '') === said.reason) return;
    setReports((old) => new Map([...old, [said.track, said.reason] as const].slice(-TRACKS_MAX)));
  });
  return reports;
}
