// SPDX-License-Identifier: Apache-2.0
/** Two, because an element may begin with a picture from before. */
const FRAMES = 2;

/** Calls once new frames of this element are on the screen. @returns stops that */
export function onceShown(element: HTMLVideoElement, then: () => void): () => void {
  let handle = 0;
  let left = FRAMES;
  const next = () => {
    handle = element.requestVideoFrameCallback(() => {
      left--;
      if (left > 0) next();
      else then();
    });
  };
  next();
  return () => element.cancelVideoFrameCallback(handle);
}
