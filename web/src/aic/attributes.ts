// SPDX-License-Identifier: Apache-2.0
// What the server says of a track: docs/aic-protocol.md, sections 2 and 10.

export const WISH = 'auralink.aic';
export const HINTS = 'auralink.aic.hints';
export const TOPIC = 'auralink.aic';

export type Wish = 'on' | 'saver' | 'off';

export interface AicState {
  /** direct: it does not go by the server. */
  mode: 'native' | 'compressed' | 'governed' | 'direct';
  /** Share of the native bytes that is saved, 0 to 1; only while compressed. */
  saved?: number;
  latencyMs?: number;
  vmaf?: number;
  capKbps?: number;
  model?: string;
}

function numberIn(text: string, name: string): number | undefined {
  const value = Number.parseFloat(new RegExp(`(?:^| )${name}:([0-9.]+)`).exec(text)?.[1] ?? '');
  return Number.isFinite(value) ? value : undefined;
}

/** Reads `ratio:0.80 vmaf:91 model:seg-1 lat:6.2ms`, `governed cap:600kbps vmaf:93`, `native`. */
export function parseAic(text: string | undefined): AicState | null {
  if (!text) return null;
  const known = (values: Record<string, number | undefined>) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  const vmaf = numberIn(text, 'vmaf');
  if (text.startsWith('native')) return { mode: 'native' };
  if (text.startsWith('governed'))
    return { mode: 'governed', ...known({ vmaf, capKbps: numberIn(text, 'cap') }) };
  const saved = numberIn(text, 'ratio');
  const model = /(?:^| )model:([\w.-]{1,32})/.exec(text)?.[1];
  return {
    mode: 'compressed',
    ...known({ vmaf, saved: saved && Math.min(saved, 1), latencyMs: numberIn(text, 'lat') }),
    ...(model ? { model } : {}),
  };
}

export function wishOf(attributes: Readonly<Record<string, string>>): Wish {
  const wish = attributes[WISH];
  return wish === 'off' || wish === 'saver' ? wish : 'on';
}

/** What is done to a track on its way to somebody. Its attribute tells what AI Core makes of it, for all who take that.
 *  @param mine  the attributes of who looks: who has switched AI compression off gets the publisher's own packets */
export function aicOf(
  attributes: Readonly<Record<string, string>>,
  trackSid: string,
  mine: Readonly<Record<string, string>>,
): AicState | null {
  const state = parseAic(attributes[`${WISH}.${trackSid}`]);
  return state?.mode === 'compressed' && wishOf(mine) === 'off' ? { mode: 'native' } : state;
}
