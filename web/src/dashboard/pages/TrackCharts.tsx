// SPDX-License-Identifier: Apache-2.0
import type { Schemas } from '../api/client';
import { Chart } from '../charts/Chart';
import { Card } from '../parts/Card';
import { bpsText, msText, shareText } from '../words/format';
import { align } from '../words/series';

interface Props {
  published: readonly Schemas['PublishedSample'][];
  subscriptions: readonly Schemas['Subscription'][];
  stepS: number;
  nameOf: (subscription: Schemas['Subscription']) => string;
}

interface Sample {
  at_us: number;
  bps: number;
  loss: number;
  rtt_ms: number;
}

const LINES = 5; // more could not be told apart

/** How it came in, and how it went to those who get it. */
export function TrackCharts({ published, subscriptions, stepS, nameOf }: Props) {
  const backup = published.filter((sample) => sample.backup);
  const lines: { label: string; samples: readonly Sample[] }[] = [
    { label: 'comes in', samples: published.filter((sample) => !sample.backup) },
    ...(backup.length > 0 ? [{ label: 'comes in (backup codec)', samples: backup }] : []),
    ...subscriptions.slice(0, LINES).map((to) => ({ label: `to ${nameOf(to)}`, samples: to.samples })),
  ];
  const draw = (
    title: string,
    valueOf: (s: Sample) => number,
    format: (n?: number | null) => string,
    atLeast: number,
  ) => {
    const { times, columns } = align(
      lines.map(({ samples }) => samples),
      stepS,
      valueOf,
    );
    const series = lines.map(({ label }, i) => ({
      label: label.replaceAll('\n', ' '),
      values: columns[i] ?? [],
    }));
    return (
      <Card title={title}>
        <Chart title={title} times={times} series={series} format={format} atLeast={atLeast} height={180} />
      </Card>
    );
  };
  return (
    <>
      {draw('Bitrate', (s) => s.bps, bpsText, 50_000)}
      <div className="columns">
        {draw('Packet loss', (s) => s.loss, shareText, 0.02)}
        {draw('Round trip', (s) => s.rtt_ms, msText, 20)}
      </div>
      {subscriptions.length > LINES && (
        <p className="note">
          The graphs show the first {LINES} of {subscriptions.length} who get it.
        </p>
      )}
    </>
  );
}
