// SPDX-License-Identifier: Apache-2.0
import type { Choices } from './choices';
import type { Preview } from './usePreview';

interface Props {
  preview: Preview;
  choices: Choices;
  onChange: (some: Partial<Choices>) => void;
}

function Menu({
  label,
  kind,
  preview,
  value,
  onChange,
}: {
  label: string;
  kind: MediaDeviceKind;
  preview: Preview;
  value: string;
  onChange: (device: string) => void;
}) {
  const list = preview.devices.filter((device) => device.kind === kind);
  const known = list.some((device) => device.deviceId === value);
  return (
    <label className="field">
      <span>{label}</span>
      <select value={known ? value : ''} onChange={(e) => onChange(e.target.value)}>
        <option value="">The system&apos;s choice</option>
        {list.map((device, at) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || `${label} ${at + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Devices({ preview, choices, onChange }: Props) {
  return (
    <div className="prejoin-devices">
      <Menu
        label="Microphone"
        kind="audioinput"
        preview={preview}
        value={choices.audioDevice}
        onChange={(audioDevice) => onChange({ audioDevice })}
      />
      <Menu
        label="Camera"
        kind="videoinput"
        preview={preview}
        value={choices.videoDevice}
        onChange={(videoDevice) => onChange({ videoDevice })}
      />
    </div>
  );
}
