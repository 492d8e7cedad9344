// SPDX-License-Identifier: Apache-2.0
import { useId, useRef, useState } from 'react';

/** A text to take along. Where the browser gives no clipboard (plain HTTP), it is selected instead. */
export function Copy({ label, text }: { label: string; text: string }) {
  const [said, setSaid] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const copy = () => {
    field.current?.select();
    const clipboard = navigator.clipboard as Clipboard | undefined;
    if (!clipboard) {
      setSaid('Selected: copy it by Ctrl+C');
      return;
    }
    clipboard.writeText(text).then(
      () => setSaid('Copied'),
      () => setSaid('Selected: copy it by Ctrl+C'),
    );
  };
  return (
    <div className="copy">
      <label htmlFor={id}>{label}</label>
      <div className="copy-row">
        <input id={id} ref={field} readOnly value={text} spellCheck={false} />
        <button type="button" className="button" aria-label={`Copy ${label}`} onClick={copy}>
          Copy
        </button>
      </div>
      <p className="note" role="status">
        {said}
      </p>
    </div>
  );
}
