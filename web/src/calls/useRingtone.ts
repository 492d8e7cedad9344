// SPDX-License-Identifier: Apache-2.0
import { useEffect } from 'react';

const BURST_MS = 3000;
const TONES_HZ = [523, 659];

/** Two soft tones, again and again; browsers that want a click first stay silent. */
function ringOnce(context: AudioContext): void {
  TONES_HZ.forEach((pitch, at) => {
    const from = context.currentTime + at * 0.35;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(0.12, from + 0.05);
    volume.gain.linearRampToValueAtTime(0, from + 0.6);
    tone.connect(volume).connect(context.destination);
    tone.start(from);
    tone.stop(from + 0.7);
  });
}

/** Rings while the component is there, and says so in the tab's title. */
export function useRingtone(title: string): void {
  useEffect(() => {
    const before = document.title;
    document.title = title;
    const context = new AudioContext();
    ringOnce(context);
    const timer = setInterval(() => ringOnce(context), BURST_MS);
    return () => {
      clearInterval(timer);
      void context.close();
      if (document.title === title) document.title = before;
    };
  }, [title]);
}
