// SPDX-License-Identifier: Apache-2.0
import { useMediaDeviceSelect } from '@livekit/components-react';
import { useState } from 'react';
import { writeChoices } from '../prejoin/choices';
import { Panel } from './Panel';
import { deviceProblem } from './words';

function Menu({
  label,
  kind,
  keep,
}: {
  label: string;
  kind: MediaDeviceKind;
  keep?: (device: string) => void;
}) {
  const { devices, activeDeviceId, setActiveMediaDevice } = useMediaDeviceSelect({ kind });
  const [fault, setFault] = useState('');
  const choose = (device: string) => {
    setFault('');
    setActiveMediaDevice(device).then(
      () => keep?.(device),
      () => setFault(deviceProblem()),
    );
  };
  if (devices.length === 0) return null; // Safari and Firefox leave the choice of speakers to the system
  return (
    <label className="field">
      <span>{label}</span>
      <select value={activeDeviceId} onChange={(e) => choose(e.target.value)}>
        {devices.map((device, at) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || `${label} ${at + 1}`}
          </option>
        ))}
      </select>
      {fault && (
        <span className="fault" role="alert">
          {fault}
        </span>
      )}
    </label>
  );
}

/** Other devices in the middle of a call. */
export function DevicesPanel({ onClose }: { onClose: () => void }) {
  return (
    <Panel title="Devices" onClose={onClose}>
      <div className="devices">
        <Menu label="Microphone" kind="audioinput" keep={(audioDevice) => writeChoices({ audioDevice })} />
        <Menu label="Camera" kind="videoinput" keep={(videoDevice) => writeChoices({ videoDevice })} />
        <Menu label="Loudspeaker" kind="audiooutput" />
      </div>
    </Panel>
  );
}
