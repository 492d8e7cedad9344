// SPDX-License-Identifier: Apache-2.0
import { useCallback, useState, type ReactNode } from 'react';

export interface Column<Row> {
  head: string;
  /** Numbers stand at the right. */
  number?: boolean;
  cell: (row: Row) => ReactNode;
}

interface Props<Row> {
  /** Read out before the table. */
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string | number;
}

/** Does an element have more than it shows? Then keys must get into it, to scroll it. */
function useScrolls() {
  const [scrolls, setScrolls] = useState(false);
  const ref = useCallback((box: HTMLElement | null) => {
    if (!box) return;
    const look = () => setScrolls(box.scrollWidth > box.clientWidth);
    const observer = new ResizeObserver(look);
    observer.observe(box);
    if (box.firstElementChild) observer.observe(box.firstElementChild); // rows may make it wider
    return () => observer.disconnect();
  }, []);
  return { ref, scrolls };
}

/** On a small screen each row becomes a block of its own, with the heads before the values. */
export function Table<Row>({ caption, columns, rows, keyOf }: Props<Row>) {
  const { ref, scrolls } = useScrolls();
  const reached = scrolls ? { role: 'region', tabIndex: 0, 'aria-label': caption } : {};
  return (
    <div className="table-box" ref={ref} {...reached}>
      <table className={columns.length > 5 ? 'table table-wide' : 'table'}>
        <caption className="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.head} scope="col" className={column.number ? 'number' : undefined}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td
                  key={column.head}
                  data-head={column.head}
                  className={column.number ? 'number' : undefined}
                >
                  <span>{column.cell(row)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
