// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';
import { Fault } from './Fault';
import { Table, type Column } from './Table';
import type { Pages } from './usePages';

interface Props<Row> {
  caption: string;
  pages: Pages<Row>;
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string | number;
  /** Stands there when there is nothing. */
  empty: ReactNode;
}

/** A table of a list that comes in pages. */
export function List<Row>({ caption, pages, columns, keyOf, empty }: Props<Row>) {
  const { rows, error, more } = pages;
  return (
    <>
      <Fault error={error} />
      {!rows && !error && <p className="note loading">Loading…</p>}
      {rows?.length === 0 && empty}
      {rows && rows.length > 0 && <Table caption={caption} columns={columns} rows={rows} keyOf={keyOf} />}
      {more && (
        <button type="button" className="button more" onClick={more}>
          Show more
        </button>
      )}
    </>
  );
}
