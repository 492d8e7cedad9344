// SPDX-License-Identifier: Apache-2.0
import type { NavIconName } from './NavIcon';

export interface Place {
  path: string;
  name: string;
  icon: NavIconName;
}

export const PLACES: readonly Place[] = [
  { path: '/', name: 'Overview', icon: 'overview' },
  { path: '/rooms', name: 'Rooms', icon: 'rooms' },
  { path: '/aic', name: 'AI compression', icon: 'aic' },
  { path: '/projects', name: 'Projects and keys', icon: 'keys' },
  { path: '/nodes', name: 'Nodes and routes', icon: 'nodes' },
  { path: '/webhooks', name: 'Webhooks', icon: 'webhooks' },
  { path: '/recordings', name: 'Recordings', icon: 'recordings' },
  { path: '/audit', name: 'Audit log', icon: 'audit' },
  { path: '/operators', name: 'Operators', icon: 'people' },
];

/** A name in an address: anybody may have chosen it. */
export const to = (...parts: readonly string[]) => `/${parts.map(encodeURIComponent).join('/')}`;
