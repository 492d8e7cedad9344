// SPDX-License-Identifier: Apache-2.0
import { useLayoutEffect, useId, useRef, type ReactNode } from 'react';

interface Props {
  title: string;
  /** Esc, and what the buttons in it do. */
  onClose: () => void;
  children: ReactNode;
}

/** The browser's own modal dialog: it keeps the focus in itself, and gives it back. */
export function Dialog({ title, onClose, children }: Props) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before it leaves the document: closing it gives the focus back to where it was.
  useLayoutEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={box}
      className="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault(); // it goes when its owner no longer shows it
        onClose();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
