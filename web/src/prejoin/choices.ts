// SPDX-License-Identifier: Apache-2.0
// What a person has chosen stays in the browser. Nothing of it is believed: it may be anybody's.

export interface Choices {
  name: string;
  microphone: boolean;
  camera: boolean;
  audioDevice: string;
  videoDevice: string;
  theme?: 'dark' | 'light';
}

const KEY = 'auralink.meet';
const NOTHING: Choices = { name: '', microphone: true, camera: true, audioDevice: '', videoDevice: '' };

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 256) : '';
}

export function readChoices(): Choices {
  let kept: Record<string, unknown>;
  try {
    kept = { ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as object) };
  } catch {
    return NOTHING; // no storage here, or not ours
  }
  const theme = (['dark', 'light'] as const).find((name) => name === kept['theme']);
  return {
    name: text(kept['name']),
    microphone: kept['microphone'] !== false,
    camera: kept['camera'] !== false,
    audioDevice: text(kept['audioDevice']),
    videoDevice: text(kept['videoDevice']),
    ...(theme && { theme }),
  };
}

export function writeChoices(some: Partial<Choices>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...readChoices(), ...some }));
  } catch {
    // a private window without storage: then it is asked again
  }
}
