// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from 'react';
import { Icon } from '../ui/Icon';
import { Avatar } from './Avatar';
import { nameOf, type Ring } from './state';
import { useRingtone } from './useRingtone';

interface Props {
  ring: Ring;
  onAccept: () => void;
  onDecline: () => void;
  /** Rings on elsewhere. */
  onHide: () => void;
}

/** Somebody calls. The name has the focus, so that a key that is just typed answers nothing. */
export function Incoming({ ring, onAccept, onDecline, onHide }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const name = nameOf(ring.from);
  useRingtone(`${name} is calling`);
  useEffect(() => {
    const box = dialog.current;
    box?.showModal();
    heading.current?.focus();
    return () => box?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="incoming"
      aria-labelledby="incoming-name"
      aria-describedby="incoming-note"
      onCancel={(event) => {
        event.preventDefault();
        onHide();
      }}
    >
      <Avatar name={name} />
      <h2 id="incoming-name" ref={heading} tabIndex={-1}>
        {name} is calling
      </h2>
      <p className="note" id="incoming-note">
        {ring.from.name ? `${ring.from.id}. ` : ''}
        {ring.waiting ? 'If you accept, you leave the call that you are in. ' : ''}
        Esc hides this and answers nothing.
      </p>
      <div className="incoming-bar">
        <button className="answer answer-decline" type="button" onClick={onDecline}>
          <Icon name="leave" /> Decline
        </button>
        <button className="answer answer-accept" type="button" onClick={onAccept}>
          <Icon name="camera" /> Accept
        </button>
      </div>
    </dialog>
  );
}
