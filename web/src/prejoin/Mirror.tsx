// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from 'react';
import { IconButton } from '../ui/IconButton';
import type { Choices } from './choices';
import { Level } from './Level';
import type { Preview } from './usePreview';

interface Props {
  preview: Preview;
  choices: Choices;
  onChange: (some: Partial<Choices>) => void;
}

/** How the others will see you, turned round as in a mirror. */
export function Mirror({ preview, choices, onChange }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const { stream, problem } = preview;
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  const { microphone, camera } = choices;
  return (
    <section className="mirror" aria-label="How others will see you">
      <video ref={video} autoPlay playsInline muted hidden={!camera || !stream} />
      {!camera && <p className="mirror-text">Your camera is off</p>}
      {camera && !stream && !problem && <p className="mirror-text">Starting your camera…</p>}
      {problem && (
        <p className="mirror-text" role="alert">
          {problem}
        </p>
      )}
      <div className="mirror-bar">
        <IconButton
          icon={microphone ? 'mic' : 'micOff'}
          label={microphone ? 'Turn the microphone off' : 'Turn the microphone on'}
          kind={microphone ? 'plain' : 'off'}
          onPress={() => onChange({ microphone: !microphone })}
        />
        <IconButton
          icon={camera ? 'camera' : 'cameraOff'}
          label={camera ? 'Turn the camera off' : 'Turn the camera on'}
          kind={camera ? 'plain' : 'off'}
          onPress={() => onChange({ camera: !camera })}
        />
        <Level stream={microphone ? stream : null} />
      </div>
    </section>
  );
}
