// SPDX-License-Identifier: Apache-2.0
import { useState, type ReactNode, type SyntheticEvent } from 'react';
import { wordsOf } from '../api/errors';
import { Dialog } from './Dialog';

interface Props {
  /** On the button that opens the question. */
  label: string;
  title: string;
  /** What will happen. */
  children: ReactNode;
  /** On the button that does it. */
  does: string;
  danger?: boolean;
  /** What most come to the page for. */
  main?: boolean;
  disabled?: boolean;
  /** Why it is disabled. */
  why?: string;
  act: () => Promise<unknown>;
}

/** A button that asks first, and says what went wrong where it was asked. */
export function Confirm({
  label,
  title,
  children,
  does,
  danger = false,
  main = false,
  disabled,
  why,
  act,
}: Props) {
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState('');
  const close = () => {
    setOpen(false);
    setFault('');
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setBusy(true);
    setFault('');
    act()
      .then(close, (error: unknown) => setFault(wordsOf(error)))
      .finally(() => setBusy(false));
  };
  return (
    <>
      <button
        type="button"
        className={danger ? 'button button-danger' : main ? 'button button-do' : 'button'}
        disabled={disabled}
        title={disabled ? why : undefined}
        onClick={() => setOpen(true)}
      >
        {label}
      </button>
      {open && (
        <Dialog title={title} onClose={close}>
          <form className="form" onSubmit={submit}>
            {children}
            {fault && (
              <p className="fault" role="alert">
                {fault}
              </p>
            )}
            <div className="dialog-buttons">
              <button type="button" className="button" onClick={close}>
                Cancel
              </button>
              <button
                type="submit"
                className={danger ? 'button button-do button-danger' : 'button button-do'}
                disabled={busy}
              >
                {busy ? 'One moment…' : does}
              </button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}
