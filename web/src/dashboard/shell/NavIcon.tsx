// SPDX-License-Identifier: Apache-2.0
// Drawn for the dashboard on a grid of 24, as those of ../../ui/Icon.

const SHAPES = {
  overview: 'M4.5 5h6.5v7H4.5zM13 5h6.5v4H13zM4.5 14.5h6.5V19H4.5zM13 11.5h6.5V19H13z',
  rooms:
    'M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3.5 19a5.5 5.5 0 0 1 11 0M15.5 5.4a3 3 0 0 1 0 5.2M17 13.9a5.5 5.5 0 0 1 3.5 5.1',
  aic: 'M12 3.5l1.9 5.6 5.6 1.9-5.6 1.9L12 18.5l-1.9-5.6L4.5 11l5.6-1.9zM18.5 16.5v4M16.5 18.5h4',
  keys: 'M8 15.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM11.5 12h9v3.5M16.5 12v2.5',
  nodes: 'M4.5 5h15v5.5h-15zM4.5 13.5h15V19h-15zM8 7.8h.1M8 16.2h.1',
  webhooks:
    'M12 5.5a3 3 0 0 1 2.6 4.5l2.6 4.6M9.4 10A3 3 0 0 1 12 5.5M9.4 10 6.6 14.8M6.5 14.5a3 3 0 1 0 3 3h5M17.5 14.5a3 3 0 1 1-3 3',
  recordings: 'M12 19a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM12 14.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
  audit: 'M6 4.5h12v15H6zM9 8.5h6M9 12h6M9 15.5h3.5',
  people: 'M12 12a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM5.5 19.5a6.5 6.5 0 0 1 13 0',
  menu: 'M4.5 7h15M4.5 12h15M4.5 17h15',
  out: 'M10 5H5v14h5M9.5 12H20M16.5 8.5 20 12l-3.5 3.5',
} as const;

export type NavIconName = keyof typeof SHAPES;

export function NavIcon({ name }: { name: NavIconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={SHAPES[name]} />
    </svg>
  );
}
