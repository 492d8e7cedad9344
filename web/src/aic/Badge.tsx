// SPDX-License-Identifier: Apache-2.0
import type { AicState } from './attributes';
import { kbpsText } from './traffic';
import './aic.css';

interface Props {
  state: AicState | null;
  kbps: number | undefined;
  /** Why it is native again, '' = nobody said. */
  reason: string;
}

function title(state: AicState | null, reason: string): string {
  if (state?.mode === 'compressed') {
    const quality = state.vmaf === undefined ? '' : ` Quality ${Math.round(state.vmaf)} of 100.`;
    return `Compressed by AI.${quality}`;
  }
  if (state?.mode === 'governed') return 'The sender’s own encoder, at the rate that AI recommends.';
  if (state?.mode === 'direct') return 'From browser to browser, past the server.';
  return reason ? `Not compressed: ${reason}.` : 'Not compressed.';
}

const WORDS = { compressed: 'AIC', governed: 'AIC rate', native: 'Native', direct: 'Direct' };

/** What is done to a track, in a few words: AIC or native, the rate, what is saved, what it costs. */
export function Badge({ state, kbps, reason }: Props) {
  const mode = state?.mode ?? 'native';
  return (
    <p className={`badge badge-${mode}`} title={title(state, reason)} data-aic={mode}>
      <b>{WORDS[mode]}</b>
      {kbps !== undefined && <span className="badge-rate">{kbpsText(kbps)}</span>}
      {state?.saved !== undefined && state.saved > 0 && <span>−{Math.round(state.saved * 100)} %</span>}
      {state?.latencyMs !== undefined && <span className="badge-more">+{state.latencyMs.toFixed(0)} ms</span>}
      {mode === 'native' && reason && <span className="badge-more">{reason}</span>}
    </p>
  );
}
