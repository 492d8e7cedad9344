// SPDX-License-Identifier: Apache-2.0
import {
  isTrackReference,
  useConnectionQualityIndicator,
  useIsMuted,
  useIsSpeaking,
  useLocalParticipant,
  useParticipantAttributes,
  useParticipantInfo,
  type TrackReferenceOrPlaceholder,
} from '@livekit/components-react';
import { ConnectionQuality, Track, type Participant } from 'livekit-client';
import { aicOf } from '../aic/attributes';
import { Badge } from '../aic/Badge';
import type { Reports } from '../aic/useAicReports';
import { Picture } from '../direct/Picture';
import { useDirect } from '../direct/useDirect';
import { isSource, rateOf } from '../direct/words';
import { colourOf, initialsOf, nameOf } from '../people/names';
import { HAND } from '../signals/useHand';
import { Icon } from '../ui/Icon';
import { IconButton } from '../ui/IconButton';
import { Quality } from './Quality';

interface Props {
  trackRef: TrackReferenceOrPlaceholder;
  reports: Reports;
  rates: ReadonlyMap<string, number>;
  pinned: boolean;
  onPin: () => void;
}

function Muted({ participant }: { participant: Participant }) {
  const muted = useIsMuted({ participant, source: Track.Source.Microphone });
  return muted ? (
    <span title="Muted" className="tile-muted">
      <Icon name="micOff" />
      <span className="unseen">muted</span>
    </span>
  ) : null;
}

export function Tile({ trackRef, reports, rates, pinned, onPin }: Props) {
  const { participant, source } = trackRef;
  const { view } = useDirect();
  const theirs = view.identity === participant.identity;
  const speaking = useIsSpeaking(participant) || (theirs && view.speaks);
  const { attributes = {} } = useParticipantAttributes({ participant });
  const { localParticipant } = useLocalParticipant();
  const { attributes: mine = {} } = useParticipantAttributes({ participant: localParticipant });
  const { quality } = useConnectionQualityIndicator({ participant });
  useParticipantInfo({ participant }); // a new name is a new tile
  const screen = source === Track.Source.ScreenShare;
  const seen = isTrackReference(trackRef) && !trackRef.publication.isMuted;
  const name = nameOf(participant);
  const sid = trackRef.publication?.trackSid ?? '';
  const who = participant.isLocal ? `${name} (you)` : name;
  const label = screen ? `${who}: screen` : who;
  const direct = theirs && view.phase === 'direct' && isSource(source) && view.proven.has(source);
  const mirrored = participant.isLocal && !screen;
  return (
    <article
      className={`tile ${speaking && !screen ? 'tile-speaks' : ''} ${screen ? 'tile-screen' : ''}`}
      aria-label={label}
      data-identity={participant.identity}
      data-source={source}
    >
      {seen ? (
        <Picture
          trackRef={trackRef}
          className={mirrored ? 'tile-video mirrored' : 'tile-video'}
          label={label}
        />
      ) : (
        <div className={`avatar colour-${colourOf(participant.identity)}`} aria-hidden="true">
          {initialsOf(name)}
        </div>
      )}
      <div className="tile-top">
        {seen && (
          <Badge
            state={direct ? { mode: 'direct' } : aicOf(attributes, sid, mine)}
            kbps={rates.get(direct ? rateOf(source, true) : sid)}
            reason={reports.get(sid) ?? ''}
          />
        )}
        <IconButton
          icon="pin"
          label={pinned ? `Unpin ${label}` : `Show ${label} large`}
          pressed={pinned}
          onPress={onPin}
        />
      </div>
      <div className="tile-foot">
        {attributes[HAND] && !screen && (
          <span className="tile-hand" title="Raised a hand">
            <Icon name="hand" />
            <span className="unseen">raised a hand</span>
          </span>
        )}
        <span className="tile-name">{label}</span>
        {!screen && <Muted participant={participant} />}
        {quality !== ConnectionQuality.Unknown && <Quality quality={quality} />}
      </div>
    </article>
  );
}
