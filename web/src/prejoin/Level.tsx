// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'react';

const TICK_MS = 100;

/** How loud the microphone is, so that one sees that it works. */
export function Level({ stream }: { stream: MediaStream | null }) {
  const [level, setLevel] = useState(0);
  useEffect(() => {
    if (!stream?.getAudioTracks().length) return;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    const samples = new Float32Array(analyser.fftSize);
    context.createMediaStreamSource(stream).connect(analyser);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
      setLevel(Math.min(1, Math.sqrt(power) * 4));
    }, TICK_MS);
    return () => {
      clearInterval(timer);
      setLevel(0);
      void context.close();
    };
  }, [stream]);
  return <meter className="level" aria-label="Loudness of your microphone" min={0} max={1} value={level} />;
}
