// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent } from 'react';
import { add, CallError, idOf } from './api';
import { rungTexts, type CallsState } from './state';
import { usePeople } from './usePeople';

interface Props {
  call: string;
  calls: CallsState;
}

const nothing = () => undefined;

/** Rings somebody into the call that goes on. */
export function AddToCall({ call, calls }: Props) {
  const { people } = usePeople(nothing); // who is signed out meanwhile is told so by the answer
  const [name, setName] = useState('');
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const id = idOf(name);
    setFault(id ? '' : 'An AuraID reads @name.aura, with 3 to 32 letters, digits, - and _.');
    if (!id) return;
    setBusy(true);
    add(call, id)
      .then(
        () => setName(''),
        (error: unknown) =>
          setFault(error instanceof CallError ? error.message : 'Something went wrong. Try again.'),
      )
      .finally(() => setBusy(false));
  };
  const rung = rungTexts(calls.current?.call === call ? calls.current : null);
  return (
    <section className="call-add" aria-label="Add somebody">
      <form className="call-add-form" onSubmit={submit}>
        <label className="field">
          <span>Add somebody by their AuraID</span>
          <input
            value={name}
            required
            maxLength={38}
            list="call-add-people"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="@name.aura"
            onChange={(e) => setName(e.target.value)}
          />
        </label>
        <datalist id="call-add-people">
          {people?.map(({ id, display }) => (
            <option key={id} value={id}>
              {display ?? id}
            </option>
          ))}
        </datalist>
        <button className="plain-button" type="submit" disabled={busy || !name.trim()}>
          Ring
        </button>
      </form>
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
      <div role="status" aria-label="Who is rung">
        <ul className="call-rung">
          {rung.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      </div>
    </section>
  );
}
