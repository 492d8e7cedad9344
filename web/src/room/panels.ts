// SPDX-License-Identifier: Apache-2.0
export type PanelName = 'chat' | 'people' | 'aic' | 'devices' | 'keys';
export type Layout = 'grid' | 'speaker';

export interface Actions {
  microphone: () => void;
  camera: () => void;
  screen: () => void;
  hand: () => void;
  layout: () => void;
  show: (name: PanelName) => void;
  leave: () => void;
}
