// SPDX-License-Identifier: Apache-2.0
import { useQuery } from '@tanstack/react-query';
import { api, take, type Schemas } from '../api/client';
import { LIVE } from '../api/queries';
import { Chart } from '../charts/Chart';
import { Card } from '../parts/Card';
import { Empty } from '../parts/Empty';
import { Loaded } from '../parts/Loaded';
import { PageHead } from '../parts/PageHead';
import { Stat, Stats } from '../parts/Stat';
import { bpsText, bytesText, countText, msText, shareText } from '../words/format';
import { aicStateText, fallbackText } from '../words/names';
import { align } from '../words/series';
import { AicRooms } from './AicRooms';
import { Instances } from './Instances';
import { useAic } from './useAic';

type Aic = Schemas['Aic'];

const MODES = {
  compress: 'AI Core compresses',
  governor: 'AI Core advises the sender’s own encoder',
};
const DEFAULTS = {
  on: 'on for all who do not choose',
  off: 'off unless they choose it',
  saver: 'data saver for all',
};

function Figures({ aic }: { aic: Aic }) {
  const tracks = Object.entries(aic.tracks).filter(([, n]) => n > 0);
  return (
    <Stats>
      <Stat
        label="Saved since the start"
        tone={aic.saving.saved_bytes > 0 ? 'good' : 'plain'}
        value={shareText(aic.saving.ratio)}
        note={bytesText(aic.saving.saved_bytes)}
      />
      <Stat
        label="Tracks now"
        value={countText(tracks.reduce((sum, [, n]) => sum + n, 0))}
        note={tracks.map(([state, n]) => `${n} ${aicStateText(state)}`).join(', ') || 'none'}
      />
      <Stat
        label="Delay that it adds"
        value={msText(aic.latency_p50_ms)}
        note={`at most; 95 % under ${msText(aic.latency_p95_ms)}`}
      />
      <Stat
        label="Late frames"
        tone={aic.late_frames > aic.frames / 50 ? 'warn' : 'plain'}
        value={shareText(aic.frames > 0 ? aic.late_frames / aic.frames : 0)}
        note={`${countText(aic.late_frames)} of ${countText(aic.frames)}; the native ones went instead`}
      />
    </Stats>
  );
}

function Fallbacks({ aic }: { aic: Aic }) {
  const rows = Object.entries(aic.fallbacks)
    .filter(([, n]) => n > 0)
    .sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...rows.map(([, n]) => n));
  if (rows.length === 0) return <Empty title="Nothing had to go back to native." />;
  return (
    <ul className="bars">
      {rows.map(([reason, n]) => (
        <li key={reason}>
          <span>{fallbackText(reason)}</span>
          <span className="bar" aria-hidden="true">
            <span style={{ width: `${(n / most) * 100}%` }} />
          </span>
          <b>{countText(n)}</b>
        </li>
      ))}
    </ul>
  );
}

function On({ aic }: { aic: Aic }) {
  const sent = align([aic.series], aic.step_s, (s) => s.sent_bps);
  const native = align([aic.series], aic.step_s, (s) => s.native_bps);
  return (
    <>
      <Figures aic={aic} />
      <div className="columns">
        <Card title="With and without">
          <Chart
            title="Compressed media, and what it would take natively"
            times={sent.times}
            series={[
              { label: 'would be sent natively', values: native.columns[0] ?? [] },
              { label: 'is sent', values: sent.columns[0] ?? [] },
            ]}
            format={bpsText}
            atLeast={100_000}
          />
        </Card>
        <Card title="Why tracks went back to native">
          <Fallbacks aic={aic} />
        </Card>
      </div>
      <AicRooms />
    </>
  );
}

export function Aic() {
  const query = useAic();
  const instances = useQuery({
    queryKey: ['aic', 'instances'],
    queryFn: () => take(api.GET('/api/v1/aic/instances')),
    ...LIVE,
  });
  return (
    <div className="page">
      <Loaded query={query}>
        {(aic) => (
          <>
            <PageHead title="AI compression">
              {aic.enabled
                ? `${MODES[aic.mode]}; ${DEFAULTS[aic.default_mode]}.`
                : 'Media goes out as it comes in.'}
            </PageHead>
            {aic.enabled ? (
              <On aic={aic} />
            ) : (
              <Empty title="AI compression is off: the server knows no AI Core.">
                <p>
                  Start <code>auralink-aicore</code>, set <code>ai_core</code> to its address in the server’s
                  configuration and start the server anew; docs/aicore.md has the steps.
                </p>
              </Empty>
            )}
          </>
        )}
      </Loaded>
      {query.data?.enabled && (
        <Card title="AI Cores">
          <Loaded query={instances}>{(data) => <Instances instances={data.instances} />}</Loaded>
        </Card>
      )}
    </div>
  );
}
