// SPDX-License-Identifier: Apache-2.0
const COLUMNS_MAX = 6;
const PAGE_MAX = 25;
const LEAST = { width: 160, height: 116 }; // of a tile, in CSS pixels: a face and a name can be made out
// Of the strip beside who is shown large; stage.css lays it out by the same figures.
const STRIP = { least: 140, share: 0.18, most: 260, gap: 10 };

/** So many columns that the grid is about as wide as it is high in tiles. */
export function columnsFor(tiles: number): number {
  return Math.max(1, Math.min(COLUMNS_MAX, Math.ceil(Math.sqrt(tiles))));
}

export interface Fit {
  /** Tiles on one page. */
  page: number;
  columns: number;
}

/** What a stage of that size has room for; so much that everybody fits who can. */
export function fitOf(width: number, height: number): Fit {
  const columns = Math.max(1, Math.min(COLUMNS_MAX, Math.floor(width / LEAST.width)));
  const rows = Math.max(1, Math.floor(height / LEAST.height));
  return { page: Math.min(PAGE_MAX, columns * rows), columns };
}

/** What one row of small tiles of that width has room for. */
export function stripOf(width: number): Fit {
  const tile = Math.min(STRIP.most, Math.max(STRIP.least, width * STRIP.share));
  const columns = Math.max(1, Math.floor((width + STRIP.gap) / (tile + STRIP.gap)));
  return { page: columns, columns };
}
