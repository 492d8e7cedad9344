// SPDX-License-Identifier: Apache-2.0
import { Link } from 'wouter';
import type { Schemas } from '../api/client';
import { Timeline } from '../charts/Timeline';
import { Card } from '../parts/Card';
import { Empty } from '../parts/Empty';
import { to } from '../shell/places';
import { bpsText, NOTHING } from '../words/format';
import { layerText, topOf } from '../words/layers';
import { personText, sourceText } from '../words/names';
import { changesOf } from '../words/series';
import { usePeople, useTrack } from './useRoom';

type Person = Schemas['Participant'];
type Track = Schemas['Track'];

const SHOWN = 8; // each is a request with every tick

interface One {
  room: string;
  viewer: Person;
  track: Track;
  from: Person;
}

function OneTrack({ room, viewer, track, from }: One) {
  const subscription = useTrack(room, track.sid, viewer.sid).data?.subscriptions[0];
  const last = subscription?.samples.at(-1);
  const first = subscription?.samples[0];
  if (!subscription) return null;
  const top = topOf([subscription, ...subscription.samples]);
  const label = `${sourceText(track)} of ${personText(from)}`;
  return (
    <div className="received">
      <h3>
        <Link href={to('rooms', room, 'tracks', track.sid)}>{label}</Link>{' '}
        <span className="note">
          {layerText(subscription, top)}, {last ? bpsText(last.bps) : NOTHING}
          {subscription.aic && ', AI-compressed'}
        </span>
      </h3>
      {first && last && (
        <Timeline
          label={label}
          changes={changesOf(subscription.samples)}
          fromMs={first.at_us / 1000}
          toMs={last.at_us / 1000}
          top={top}
        />
      )}
    </div>
  );
}

/** The videos that somebody gets, in which layer, and why. */
export function Received({ room, person }: { room: string; person: Person }) {
  const others = usePeople(room).rows?.filter(({ sid }) => sid !== person.sid) ?? [];
  const videos = others.flatMap((from) =>
    from.tracks.filter(({ kind }) => kind === 'video').map((track) => ({ from, track })),
  );
  return (
    <Card title="Gets">
      {videos.length === 0 ? (
        <Empty title="Nobody else sends a video." />
      ) : (
        videos
          .slice(0, SHOWN)
          .map(({ from, track }) => (
            <OneTrack key={track.sid} room={room} viewer={person} track={track} from={from} />
          ))
      )}
      {videos.length > SHOWN && (
        <p className="note">
          The first {SHOWN} of {videos.length} videos; each track’s own page has all who get it.
        </p>
      )}
    </Card>
  );
}
