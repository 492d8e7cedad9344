// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from 'react';

export interface Wanted {
  microphone: boolean;
  camera: boolean;
  audioDevice: string;
  videoDevice: string;
}

export interface Preview {
  stream: MediaStream | null;
  devices: MediaDeviceInfo[];
  problem: string;
}

function words(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError') {
    return 'The browser does not let this page use your camera or microphone. Allow it beside the address, or join without.';
  }
  if (name === 'NotFoundError' || name === 'OverconstrainedError') {
    return 'There is no such camera or microphone. Plug one in, choose another, or join without.';
  }
  if (name === 'NotReadableError') {
    return 'Another program uses your camera or microphone. Close it, or join without.';
  }
  return 'Your camera or microphone does not work here. You can join without.';
}

function constraint(on: boolean, device: string, more: MediaTrackConstraints) {
  return on ? { ...more, ...(device ? { deviceId: { ideal: device } } : {}) } : false;
}

/** The camera and microphone as they will be in the call. They are let go with the component. */
export function usePreview({ microphone, camera, audioDevice, videoDevice }: Wanted): Preview {
  const [stream, setStream] = useState<MediaStream | null>(null);
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  const [problem, setProblem] = useState('');
  const running = useRef<Promise<unknown>>(Promise.resolve()); // one at a time: some cameras open only once

  useEffect(() => {
    const end = new AbortController();
    let held: MediaStream | null = null;
    const gone = () => end.signal.aborted;
    const open = async () => {
      if (gone()) return;
      if (!window.isSecureContext) {
        setProblem('Browsers give camera and microphone to https pages alone: open this page by https.');
        return;
      }
      if (microphone || camera) {
        held = await navigator.mediaDevices.getUserMedia({
          audio: constraint(microphone, audioDevice, {}),
          video: constraint(camera, videoDevice, { width: { ideal: 1280 }, height: { ideal: 720 } }),
        });
      }
      const list = await navigator.mediaDevices.enumerateDevices();
      if (gone()) {
        held?.getTracks().forEach((track) => track.stop());
        return;
      }
      setDevices(list.filter((device) => device.deviceId !== ''));
      setStream(held);
      setProblem('');
    };
    running.current = running.current.then(open).catch((error: unknown) => {
      if (!gone()) setProblem(words(error));
    });
    return () => {
      end.abort();
      held?.getTracks().forEach((track) => track.stop());
      setStream(null);
    };
  }, [microphone, camera, audioDevice, videoDevice]);

  return { stream, devices, problem };
}
