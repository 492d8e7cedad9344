// SPDX-License-Identifier: Apache-2.0
// Where things stand on the map of nodes. Pure functions.

import { bpsText, countText, NOTHING } from './format';

export interface Spot {
  x: number;
  y: number;
}

export interface Edge {
  from: string;
  to: string;
  /** Rooms of `from` that people on `to` are in. */
  rooms: number;
}

interface Route {
  sid: string;
  node: string;
  kind: 'home' | 'relay';
}

/** One stands in the middle, several on an ellipse, the first on top. */
export function spotsOf(ids: readonly string[], width: number, height: number): Map<string, Spot> {
  const [cx, cy] = [width / 2, height / 2];
  if (ids.length === 1) return new Map(ids.map((id) => [id, { x: cx, y: cy }]));
  return new Map(
    ids.map((id, i) => {
      const angle = (i / ids.length) * 2 * Math.PI - Math.PI / 2;
      return [id, { x: cx + Math.cos(angle) * width * 0.36, y: cy + Math.sin(angle) * height * 0.36 }];
    }),
  );
}

/** Nodes that share rooms: an edge leads from where a room lives to where people of it are. */
export function edgesOf(routes: readonly Route[]): Edge[] {
  const homes = new Map(routes.filter(({ kind }) => kind === 'home').map(({ sid, node }) => [sid, node]));
  const edges = new Map<string, Edge>();
  for (const { sid, node, kind } of routes) {
    const home = homes.get(sid);
    if (kind !== 'relay' || !home || home === node) continue;
    const name = JSON.stringify([home, node]);
    const edge = edges.get(name) ?? { from: home, to: node, rooms: 0 };
    edge.rooms++;
    edges.set(name, edge);
  }
  return [...edges.values()];
}

interface Traffic {
  in_bps: number | null;
  out_bps: number | null;
  packets_s: number | null;
}

/** "↓ 1 Mbps ↑ 2 Mbps"; of another node only how many packets it has is known. */
export function trafficText(node: Traffic): string {
  if (node.in_bps !== null) return `↓ ${bpsText(node.in_bps)} ↑ ${bpsText(node.out_bps)}`;
  return node.packets_s === null ? NOTHING : `${countText(node.packets_s)} packets/s`;
}

/** A node in a menu: "eu: ND_1". */
export function placeText(id: string, region: string): string {
  return region ? `${region}: ${id}` : id;
}
