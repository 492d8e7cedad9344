// SPDX-License-Identifier: Apache-2.0

interface Props {
  /** Read out, with the share. */
  label: string;
  /** 0 to 1 */
  share: number;
  tone?: 'plain' | 'good' | 'bad';
}

export function Progress({ label, share, tone = 'plain' }: Props) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <div
      className="progress"
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <span className={`progress-${tone}`} style={{ width: `${percent}%` }} />
    </div>
  );
}
