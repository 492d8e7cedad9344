// SPDX-License-Identifier: Apache-2.0
import { DirectSwitch } from '../direct/DirectSwitch';
import { Panel } from '../room/Panel';
import { Graph } from './Graph';
import { Switch } from './Switch';
import { kbpsText, savedOver } from './traffic';
import type { Traffic } from './useTraffic';
import './aic.css';

interface Props {
  traffic: Traffic;
  encrypted: boolean;
  onClose: () => void;
}

export function AicPanel({ traffic, encrypted, onClose }: Props) {
  const last = traffic.samples.at(-1);
  const saved = savedOver(traffic.samples.slice(-10));
  return (
    <Panel title="AI compression" onClose={onClose}>
      <div className="aic">
        <p className="aic-saved">
          <b>{Math.round(saved * 100)} %</b> <span>of the data that would come in is saved now</span>
        </p>
        <Graph samples={traffic.samples} />
        <p className="note">You send {kbpsText(last?.upKbps ?? 0)}.</p>
        {encrypted && (
          <p className="note">
            This call is encrypted end to end: the server cannot compress what it cannot see.
          </p>
        )}
        <Switch />
        <DirectSwitch />
      </div>
    </Panel>
  );
}
