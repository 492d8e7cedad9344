// SPDX-License-Identifier: Apache-2.0
import { clockText, spanText } from '../words/format';
import { bandsOf, layerText, levelOf, nextOf, whyText, type LayerChange } from '../words/layers';

interface Props {
  label: string;
  changes: readonly LayerChange[];
  fromMs: number;
  toMs: number;
  /** The highest temporal layer of the track. */
  top: number;
}

/** Which layer went out when: bands to see it at a glance, the latest changes in words below. */
export function Timeline({ label, changes, fromMs, toMs, top }: Props) {
  const bands = bandsOf(changes, fromMs, toMs);
  const latest = [...bands].reverse().slice(0, 6);
  return (
    <div className="timeline">
      <div className="timeline-bands" aria-hidden="true">
        {bands.map((band) => (
          <span
            key={band.atMs}
            className={`band band-${levelOf(band)}`}
            style={{ left: `${band.from * 100}%`, width: `${band.width * 100}%` }}
            title={`${clockText(band.atMs)} ${layerText(band, top)}: ${whyText(band.why)}`}
          >
            {band.width > 0.12 && layerText(band, top)}
          </span>
        ))}
      </div>
      <div className="timeline-ends note" aria-hidden="true">
        <span>{clockText(fromMs)}</span>
        <span>now</span>
      </div>
      <ol className="timeline-words" aria-label={`Layers of ${label}, latest first`}>
        {latest.map((band, i) => (
          <li key={band.atMs}>
            <span className={`dot band-${levelOf(band)}`} aria-hidden="true" />
            <span>
              <b>{layerText(band, top)}</b> for {spanText(band.toMs - band.atMs)}: {whyText(band.why)}
              {i === 0 && nextOf(band.why) && <em> {nextOf(band.why)}</em>}
            </span>
            <time dateTime={new Date(band.atMs).toISOString()}>{clockText(band.atMs)}</time>
          </li>
        ))}
      </ol>
    </div>
  );
}
