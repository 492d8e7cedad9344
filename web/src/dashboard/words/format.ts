// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them. What is not known is a dash.

export const NOTHING = '–';

type Maybe = number | null | undefined;

const known = (n: Maybe): n is number => typeof n === 'number' && Number.isFinite(n);

function scaled(n: number, step: number, units: readonly string[]): string {
  let at = 0;
  let rest = n;
  while (Math.abs(rest) >= step && at < units.length - 1) {
    rest /= step;
    at++;
  }
  const digits = at > 0 && Math.abs(rest) < 10 ? 1 : 0;
  return `${rest.toFixed(digits)} ${units[at] ?? ''}`;
}

export const bpsText = (bps: Maybe) =>
  known(bps) ? scaled(bps, 1000, ['bps', 'kbps', 'Mbps', 'Gbps']) : NOTHING;

export const bytesText = (bytes: Maybe) =>
  known(bytes) ? scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB']) : NOTHING;

export const countText = (n: Maybe) => (known(n) ? n.toLocaleString('en') : NOTHING);

/** "1 room", "2 rooms" */
export const manyText = (n: number, one: string) => `${countText(n)} ${one}${n === 1 ? '' : 's'}`;

/** Of a share from 0 to 1; small ones keep a digit, as 0.4 % of loss is not none. */
export function shareText(share: Maybe): string {
  if (!known(share)) return NOTHING;
  const percent = share * 100;
  const digits = percent !== 0 && Math.abs(percent) < 10 ? 1 : 0;
  return `${percent.toFixed(digits)} %`;
}

export function msText(ms: Maybe): string {
  if (!known(ms)) return NOTHING;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`;
}

/** The largest units of a time span. */
export function spanText(ms: Maybe, units = 2): string {
  if (!known(ms)) return NOTHING;
  const s = Math.max(0, Math.floor(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(s / 86_400), 'd'],
    [Math.floor(s / 3600) % 24, 'h'],
    [Math.floor(s / 60) % 60, 'min'],
    [s % 60, 's'],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + units)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n} ${unit}`)
    .join(' ');
}

export const agoText = (atMs: number, nowMs: number) =>
  nowMs - atMs < 2000 ? 'just now' : `${spanText(nowMs - atMs, 1)} ago`;

export const clockText = (atMs: number) => new Date(atMs).toLocaleTimeString([], { hour12: false });

export const dateText = (atMs: number) =>
  new Date(atMs).toLocaleString([], {
    dateStyle: 'medium',
    timeStyle: 'medium',
    hour12: false,
  } as Intl.DateTimeFormatOptions);
