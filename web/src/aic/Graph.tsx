// SPDX-License-Identifier: Apache-2.0
import { kbpsText, type Sample } from './traffic';

const WIDTH = 300;
const HEIGHT = 120;
const STEPS = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];
const SPAN_S = 120;

const topOf = (samples: readonly Sample[]) => {
  const most = Math.max(0, ...samples.map((s) => Math.max(s.plainKbps, s.downKbps)));
  return STEPS.find((step) => step >= most) ?? most;
};

/** Two minutes of what came in, under what would have come without AIC. */
export function Graph({ samples }: { samples: readonly Sample[] }) {
  const last = samples.at(-1);
  if (!last) return <p className="note">Measuring…</p>;
  const top = topOf(samples);
  const point = (sample: Sample, kbps: number) => {
    const x = WIDTH - ((last.atMs - sample.atMs) / 1000 / SPAN_S) * WIDTH;
    return `${x.toFixed(1)},${(HEIGHT - (kbps / top) * HEIGHT).toFixed(1)}`;
  };
  const line = (of: (s: Sample) => number) => samples.map((s) => point(s, of(s))).join(' ');
  const back = samples.map((s) => point(s, s.downKbps)).reverse();
  const first = samples[0] ?? last;
  return (
    <figure className="graph">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Now ${kbpsText(last.downKbps)} come in; without AI compression it would be ${kbpsText(last.plainKbps)}.`}
      >
        <polygon className="graph-saved" points={`${line((s) => s.plainKbps)} ${back.join(' ')}`} />
        <polygon
          className="graph-down"
          points={`${point(first, 0)} ${line((s) => s.downKbps)} ${point(last, 0)}`}
        />
        <polyline className="graph-plain" points={line((s) => s.plainKbps)} />
      </svg>
      <figcaption>
        <span>2 minutes ago</span>
        <span>scale: {kbpsText(top)}</span>
        <span>now</span>
      </figcaption>
      <ul className="graph-legend">
        <li className="legend-down">comes in: {kbpsText(last.downKbps)}</li>
        <li className="legend-plain">without AI compression: {kbpsText(last.plainKbps)}</li>
      </ul>
    </figure>
  );
}
