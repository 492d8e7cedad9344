// SPDX-License-Identifier: Apache-2.0

const WIDTH = 100;
const HEIGHT = 28;

/** The shape of the last minutes, without numbers: those stand beside it. */
export function Spark({ values }: { values: readonly (number | null)[] }) {
  const most = Math.max(1e-9, ...values.map((v) => v ?? 0));
  if (values.length < 2) return null;
  const points = values
    .map((v, i) => {
      const x = (i / (values.length - 1)) * WIDTH;
      return `${x.toFixed(1)},${(HEIGHT - 1 - ((v ?? 0) / most) * (HEIGHT - 2)).toFixed(1)}`;
    })
    .join(' ');
  return (
    <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <polygon points={`0,${HEIGHT} ${points} ${WIDTH},${HEIGHT}`} />
      <polyline points={points} />
    </svg>
  );
}
