// SPDX-License-Identifier: Apache-2.0
import type { Schemas } from '../api/client';
import { Empty } from '../parts/Empty';
import { Facts } from '../parts/Facts';
import { Pill } from '../parts/Pill';
import { Progress } from '../parts/Progress';
import { countText, msText, shareText } from '../words/format';
import { aicStateText, fallbacksText } from '../words/names';

type Instance = Schemas['AicInstance'];

function Budget({ of }: { of: Instance }) {
  if (of.max_streams === 0)
    return <p className="note">{countText(of.streams)} streams now; as many as it takes</p>;
  const share = of.streams / of.max_streams;
  return (
    <>
      <p className="note">
        {countText(of.streams)} of {countText(of.max_streams)} streams
        {share >= 1 && ': full, further tracks stay native'}
      </p>
      <Progress label={`Budget of ${of.address}`} share={share} tone={share >= 1 ? 'bad' : 'good'} />
    </>
  );
}

export function Instances({ instances }: { instances: readonly Instance[] }) {
  if (instances.length === 0) return <Empty title="No AI Core is configured." />;
  return (
    <ul className="subscribers">
      {instances.map((of) => (
        <li key={of.address}>
          <h3>
            <span className="mono">{of.address}</span> <Pill>{of.tls ? 'TLS' : 'plain'}</Pill>
          </h3>
          <Budget of={of} />
          <Facts
            facts={[
              ['Delay p50 / p95', `${msText(of.latency_p50_ms)} / ${msText(of.latency_p95_ms)}`],
              ['Frames', countText(of.frames)],
              ['Late', shareText(of.frames > 0 ? of.late_frames / of.frames : 0)],
              [
                'Tracks',
                Object.entries(of.tracks)
                  .filter(([, n]) => n > 0)
                  .map(([state, n]) => `${n} ${aicStateText(state)}`)
                  .join(', ') || 'none',
              ],
              ['Went back to native', fallbacksText(of.fallbacks) || 'never'],
            ]}
          />
        </li>
      ))}
    </ul>
  );
}
