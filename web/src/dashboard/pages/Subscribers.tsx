// SPDX-License-Identifier: Apache-2.0
import { Link } from 'wouter';
import type { Schemas } from '../api/client';
import { Timeline } from '../charts/Timeline';
import { Pill } from '../parts/Pill';
import { to } from '../shell/places';
import { bpsText, NOTHING } from '../words/format';
import { layerText, topOf } from '../words/layers';
import { codecText } from '../words/names';
import { changesOf } from '../words/series';

interface Props {
  room: string;
  subscriptions: readonly Schemas['Subscription'][];
  video: boolean;
  nameOf: (subscription: Schemas['Subscription']) => string;
}

const WISHES: Record<string, string> = {
  off: 'has it switched off',
  low: 'asks for low',
  medium: 'asks for medium',
  high: 'asks for high',
};

/** Each viewer with their layers over time. */
export function Subscribers({ room, subscriptions, video, nameOf }: Props) {
  const top = topOf(subscriptions.flatMap((subscription) => [subscription, ...subscription.samples]));
  return (
    <ul className="subscribers">
      {subscriptions.map((subscription) => {
        const { participant, codec, wish, aic, samples } = subscription;
        const name = nameOf(subscription);
        const first = samples[0];
        const last = samples.at(-1);
        return (
          <li key={participant}>
            <h3>
              <Link href={to('rooms', room, 'people', participant)}>{name}</Link>{' '}
              <span className="note">
                {video && `${layerText(subscription, top)}, `}
                {last ? bpsText(last.bps) : NOTHING}, {codecText(codec)}
                {video && WISHES[wish] && `, ${WISHES[wish]}`}
              </span>{' '}
              {aic && <Pill tone="good">AI-compressed</Pill>}
            </h3>
            {video && first && last && (
              <Timeline
                label={`what ${name} gets`}
                changes={changesOf(samples)}
                fromMs={first.at_us / 1000}
                toMs={last.at_us / 1000}
                top={top}
              />
            )}
          </li>
        );
      })}
    </ul>
  );
}
