// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { clockText } from '../words/format';
import { useColours } from './useColours';

export interface Series {
  label: string;
  /** One value for each time; null = a gap. */
  values: readonly (number | null)[];
}

interface Props {
  /** Read out instead of the picture, with the last values. */
  title: string;
  /** Seconds since 1970. */
  times: readonly number[];
  series: readonly Series[];
  format: (value: number | null | undefined) => string;
  height?: number;
  /** What the axis shows at least, so that small noise does not look like mountains. */
  atLeast?: number;
}

const DASHES = [[], [6, 4], [2, 3], [10, 3, 2, 3]];

/** Nobody points at a moment: then the legend has the newest values. */
function showLast(plot: uPlot) {
  const last = plot.data[0].length - 1;
  if (typeof plot.cursor.idx !== 'number' && last >= 0) plot.setLegend({ idx: last }, false);
}

/** Lines over time, by uPlot; who points at it sees the values of that moment in the legend. */
export function Chart({ title, times, series, format, height = 200, atLeast = 1 }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef({ format, atLeast });
  const colours = useColours();
  const names = series.map((s) => s.label).join('\n');
  useEffect(() => {
    latest.current = { format, atLeast };
  });

  useEffect(() => {
    const home = box.current;
    if (!home) return;
    const axis = { stroke: colours.dim, grid: { stroke: colours.line, width: 1 }, ticks: { show: false } };
    const shown = (value: number | null | undefined) => latest.current.format(value);
    const made = new uPlot(
      {
        width: Math.max(home.clientWidth, 120),
        height,
        padding: [12, 12, 0, 0],
        cursor: { y: false, points: { size: 7 } },
        legend: { live: true, markers: { width: 2 } },
        hooks: { setCursor: [showLast] },
        scales: { y: { range: (_, __, most) => [0, Math.max((most || 0) * 1.08, latest.current.atLeast)] } },
        axes: [
          { ...axis, size: 30, space: 70, values: (_, at) => at.map((s) => clockText(s * 1000)) },
          { ...axis, size: 72, values: (_, at) => at.map(shown) },
        ],
        series: [
          { label: 'at', value: (_, s) => (s ? clockText(s * 1000) : '') },
          ...names.split('\n').map((label, i) => {
            const stroke = colours.series[i % colours.series.length] ?? colours.dim;
            return {
              label,
              stroke,
              width: 2,
              dash: DASHES[Math.floor(i / colours.series.length) % DASHES.length] ?? [],
              ...(i === 0 && { fill: `${stroke}22` }),
              points: { show: false },
              value: (_: uPlot, value: number | null) => shown(value),
            };
          }),
        ],
      },
      [[], ...names.split('\n').map(() => [])],
      home,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: Math.max(home.clientWidth, 120), height }));
    watch.observe(home);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [colours, names, height]);

  useEffect(() => {
    plot.current?.setData([[...times], ...series.map((s) => [...s.values])]);
    if (plot.current) showLast(plot.current);
  }, [times, series, colours, names, height]);

  const points = series.reduce((sum, s) => sum + s.values.filter((v) => v !== null).length, 0);
  const last = series.map((s) => `${s.label} ${format(s.values.at(-1))}`).join(', ');
  return (
    <figure className="chart" data-points={points}>
      <div ref={box} role="img" aria-label={points ? `${title}: now ${last}` : `${title}: no values yet`} />
      {points === 0 && <p className="chart-empty note">No values yet: they come every few seconds.</p>}
    </figure>
  );
}
