// SPDX-License-Identifier: Apache-2.0
import { Panel } from './Panel';
import { SHORTCUTS } from './useShortcuts';

export function KeysPanel({ onClose }: { onClose: () => void }) {
  return (
    <Panel title="Keyboard shortcuts" onClose={onClose}>
      <dl className="keys">
        {SHORTCUTS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key.toUpperCase()}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>Page up</kbd> <kbd>Page down</kbd>
          </dt>
          <dd>Other people, where not all fit</dd>
        </div>
      </dl>
    </Panel>
  );
}
