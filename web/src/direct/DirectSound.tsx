// SPDX-License-Identifier: Apache-2.0
import { useMediaDeviceSelect } from '@livekit/components-react';
import { useEffect, useRef } from 'react';
import { useDirect } from './useDirect';
import { isPicture, SOURCES } from './words';

function Sound({ track }: { track: MediaStreamTrack }) {
  const element = useRef<HTMLAudioElement>(null);
  const { activeDeviceId } = useMediaDeviceSelect({ kind: 'audiooutput' });
  useEffect(() => {
    if (element.current) element.current.srcObject = new MediaStream([track]);
  }, [track]);
  useEffect(() => {
    // Firefox and Safari leave the choice of loudspeakers to the system.
    if (activeDeviceId && element.current && 'setSinkId' in element.current) {
      element.current.setSinkId(activeDeviceId).catch(() => undefined);
    }
  }, [activeDeviceId]);
  // eslint-disable-next-line jsx-a11y/media-has-caption -- people who talk now
  return <audio ref={element} autoPlay data-way="direct" />;
}

/** What is heard directly, instead of by the server. */
export function DirectSound() {
  const { view } = useDirect();
  return SOURCES.filter((source) => !isPicture(source) && view.proven.has(source)).map((source) => {
    const track = view.tracks.get(source);
    return track && <Sound key={source} track={track} />;
  });
}
