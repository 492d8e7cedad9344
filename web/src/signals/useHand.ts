// SPDX-License-Identifier: Apache-2.0
import { useLocalParticipant, useParticipantAttributes } from '@livekit/components-react';

export const HAND = 'meet.hand';

export function useHand() {
  const { localParticipant } = useLocalParticipant();
  const { attributes } = useParticipantAttributes({ participant: localParticipant });
  const raised = Boolean(attributes?.[HAND]);
  // The time is in it, so that who was first can be seen; an empty attribute is none.
  const toggle = () =>
    void localParticipant.setAttributes({ [HAND]: raised ? '' : String(Date.now()) }).catch(() => undefined);
  return { raised, toggle };
}
