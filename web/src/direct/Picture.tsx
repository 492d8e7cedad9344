// SPDX-License-Identifier: Apache-2.0
import { VideoTrack, type TrackReference } from '@livekit/components-react';
import { useEffect, useRef } from 'react';
import { onceShown } from './shown';
import { useDirect } from './useDirect';
import { isSource } from './words';

interface Props {
  trackRef: TrackReference;
  className: string;
  label: string;
}

function DirectVideo({
  track,
  label,
  className,
}: {
  track: MediaStreamTrack;
  label: string;
  className: string;
}) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (element.current) element.current.srcObject = new MediaStream([track]);
  }, [track]);
  return (
    <video
      ref={element}
      className={className}
      aria-label={`Picture of ${label}`}
      data-way="direct"
      autoPlay
      playsInline
      muted
    />
  );
}

/** A track's picture: from the server, directly, or for a moment both, so that there is never none. The server stops
 *  sending what no element shows. */
export function Picture({ trackRef, className, label }: Props) {
  const { call, view } = useDirect();
  const box = useRef<HTMLDivElement>(null);
  const source = isSource(trackRef.source) ? trackRef.source : null;
  const theirs = source !== null && view.identity === trackRef.participant.identity;
  const proven = theirs && view.proven.has(source);
  const track = theirs && (view.phase === 'direct' || proven) ? view.tracks.get(source) : undefined;
  const comes = track !== undefined && view.phase === 'direct' && !proven;
  const goes = track !== undefined && view.phase === 'leaving';

  useEffect(() => {
    const next = box.current?.querySelector<HTMLVideoElement>(
      comes ? '[data-way="direct"]' : ':not([data-way="direct"])',
    );
    return next && source && (comes || goes) ? onceShown(next, () => call.prove(source, comes)) : undefined;
  }, [call, comes, goes, source]);

  return (
    <div className={comes ? 'ways ways-server' : 'ways'} ref={box}>
      {!(proven && view.phase === 'direct') && (
        <VideoTrack trackRef={trackRef} className={className} aria-label={`Picture of ${label}`} />
      )}
      {track && <DirectVideo track={track} className={className} label={label} />}
    </div>
  );
}
