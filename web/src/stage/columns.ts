// SPDX-License-Identifier: Apache-2.0
const COLUMNS_MAX = 6;

/** So many columns that the grid is about as wide as it is high in tiles. */
export function columnsFor(tiles: number): number {
  return Math.max(1, Math.min(COLUMNS_MAX, Math.ceil(Math.sqrt(tiles))));
}
