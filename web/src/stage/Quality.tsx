// SPDX-License-Identifier: Apache-2.0
import { ConnectionQuality } from 'livekit-client';

const LEVELS: Record<ConnectionQuality, { bars: number; words: string }> = {
  [ConnectionQuality.Excellent]: { bars: 3, words: 'very good connection' },
  [ConnectionQuality.Good]: { bars: 2, words: 'good connection' },
  [ConnectionQuality.Poor]: { bars: 1, words: 'poor connection' },
  [ConnectionQuality.Lost]: { bars: 0, words: 'connection lost' },
  [ConnectionQuality.Unknown]: { bars: 0, words: 'connection not known' },
};

export function Quality({ quality }: { quality: ConnectionQuality }) {
  const { bars, words } = LEVELS[quality];
  return (
    <span className={`quality quality-${bars}`} title={words}>
      <svg viewBox="0 0 14 12" aria-hidden="true">
        {[0, 1, 2].map((bar) => (
          <rect
            key={bar}
            x={bar * 5}
            y={8 - bar * 4}
            width="3.4"
            height={4 + bar * 4}
            rx="1"
            opacity={bar < bars ? 1 : 0.3}
          />
        ))}
      </svg>
      <span className="unseen">{words}</span>
    </span>
  );
}
