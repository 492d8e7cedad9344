// SPDX-License-Identifier: Apache-2.0
// Drawn for this app on a grid of 24; lines take the colour of the text around them.

const SHAPES = {
  mic: 'M12 4a2.5 2.5 0 0 1 2.5 2.5v5a2.5 2.5 0 0 1-5 0v-5A2.5 2.5 0 0 1 12 4zM6 11.5a6 6 0 0 0 12 0M12 17.5V21',
  micOff:
    'M9.5 9v2.5a2.5 2.5 0 0 0 4 2M14.5 11V6.5a2.5 2.5 0 0 0-4.9-.7M6 11.5a6 6 0 0 0 9.5 4.9M18 11.5a6 6 0 0 1-.6 2.6M12 17.5V21M4 4l16 16',
  camera: 'M4 7.5h9.5v9H4zM13.5 11l6-3.5v9l-6-3.5',
  cameraOff: 'M4 7.5h1.5M9.5 7.5h4V12M13.5 11l6-3.5v9l-2.5-1.4M13.5 16.5H4v-9M4 4l16 16',
  screen: 'M4 5.5h16v10H4zM9 19.5h6M12 15.5v4M12 8v5M9.8 10 12 7.8 14.2 10',
  chat: 'M4.5 5.5h15v10H11l-4 3.5v-3.5H4.5zM8 9h8M8 12h5',
  people:
    'M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3.5 19a5.5 5.5 0 0 1 11 0M15.5 5.4a3 3 0 0 1 0 5.2M17 13.9a5.5 5.5 0 0 1 3.5 5.1',
  hand: 'M8 12V6.5a1.4 1.4 0 0 1 2.8 0V11V5a1.4 1.4 0 0 1 2.8 0v6V6.5a1.4 1.4 0 0 1 2.8 0V14a6 6 0 0 1-6 6c-2.4 0-3.8-1-5-3.2L3.6 13a1.4 1.4 0 0 1 2.5-1.3L8 14.5',
  smile: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM8.5 14a4.2 4.2 0 0 0 7 0M9 9.5v.6M15 9.5v.6',
  leave: 'M3.5 14.5c4.8-4.7 12.2-4.7 17 0l-2.6 2.3-3.1-1.6v-2.6a10 10 0 0 0-5.6 0v2.6l-3.1 1.6z',
  grid: 'M4.5 5h6.5v6H4.5zM13 5h6.5v6H13zM4.5 13h6.5v6H4.5zM13 13h6.5v6H13z',
  speaker: 'M4.5 5h15v9h-15zM4.5 16.5h4V19h-4zM10 16.5h4V19h-4zM15.5 16.5h4V19h-4z',
  pin: 'M9 4h6l-1 6 3 3H7l3-3zM12 13v7',
  spark: 'M12 3.5l1.9 5.6 5.6 1.9-5.6 1.9L12 18.5l-1.9-5.6L4.5 11l5.6-1.9zM18.5 16.5v4M16.5 18.5h4',
  lock: 'M6.5 11h11v8.5h-11zM9 11V8a3 3 0 0 1 6 0v3',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4',
  moon: 'M19 14.5A7.5 7.5 0 0 1 9.5 5 7.5 7.5 0 1 0 19 14.5z',
  previous: 'M14.5 6l-6 6 6 6',
  next: 'M9.5 6l6 6-6 6',
  close: 'M6 6l12 12M18 6 6 18',
  send: 'M4.5 12 20 4.5 15.5 20l-3.5-6zM12 14l8-9.5',
  keys: 'M3.5 7h17v10h-17zM7 10.5h.1M10.4 10.5h.1M13.6 10.5h.1M17 10.5h.1M8 14h8',
  sliders:
    'M4.5 8h8M16.5 8h3M4.5 16h3M11.5 16h8M14.5 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM9.5 18a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
  link: 'M10 14a3.5 3.5 0 0 0 5 0l3-3a3.5 3.5 0 0 0-5-5l-1 1M14 10a3.5 3.5 0 0 0-5 0l-3 3a3.5 3.5 0 0 0 5 5l1-1',
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={SHAPES[name]} />
    </svg>
  );
}
