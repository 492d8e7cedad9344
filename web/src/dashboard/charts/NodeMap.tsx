// SPDX-License-Identifier: Apache-2.0
import type { Schemas } from '../api/client';
import { countText, manyText } from '../words/format';
import { spotsOf, trafficText, type Edge } from '../words/map';

type Node = Schemas['Node'];

interface Props {
  nodes: readonly Node[];
  edges: readonly Edge[];
}

const WIDTH = 900;
const BOX = { width: 230, height: 92 };
const SHOWN = 12; // more are in the table

const short = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function Lines({ node, x, y }: { node: Node; x: number; y: number }) {
  const left = x - BOX.width / 2 + 16;
  return (
    <>
      <text className="map-name" x={left} y={y - 20}>
        {short(node.id, 22)}
      </text>
      <text x={left} y={y + 4}>
        {manyText(node.rooms, 'room')}, {countText(node.participants)} people
      </text>
      <text x={left} y={y + 26}>
        {trafficText(node)}
      </text>
    </>
  );
}

/** Nodes, and which of them share rooms. The table below says the same in words. */
export function NodeMap({ nodes, edges }: Props) {
  const shown = nodes.slice(0, SHOWN);
  const height = shown.length === 1 ? 170 : 460;
  const spots = spotsOf(
    shown.map(({ id }) => id),
    WIDTH,
    height,
  );
  const most = Math.max(1, ...edges.map(({ rooms }) => rooms));
  return (
    <svg
      className="map"
      viewBox={`0 0 ${WIDTH} ${height}`}
      role="img"
      aria-label={`Map of ${nodes.length} nodes, ${edges.length} pairs of which share rooms`}
    >
      {edges.map(({ from, to, rooms }) => {
        const [a, b] = [spots.get(from), spots.get(to)];
        return (
          a &&
          b && (
            <g key={`${from} ${to}`}>
              <line
                className="map-edge"
                x1={a.x}
                y1={a.y}
                x2={b.x}
                y2={b.y}
                strokeWidth={1.5 + (rooms / most) * 4}
              />
              <text className="map-edge-text" x={(a.x + b.x) / 2} y={(a.y + b.y) / 2 - 6}>
                {manyText(rooms, 'room')}
              </text>
            </g>
          )
        );
      })}
      {shown.map((node) => {
        const { x, y } = spots.get(node.id) ?? { x: 0, y: 0 };
        return (
          <g key={node.id} className={`map-node map-${node.state}${node.self ? ' map-self' : ''}`}>
            <rect
              x={x - BOX.width / 2}
              y={y - BOX.height / 2}
              width={BOX.width}
              height={BOX.height}
              rx="14"
            />
            <circle cx={x + BOX.width / 2 - 18} cy={y - BOX.height / 2 + 20} r="6" />
            <Lines node={node} x={x} y={y} />
          </g>
        );
      })}
    </svg>
  );
}
