// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent } from 'react';
import { addContact, CallError, dropContact, idOf, type Someone } from './api';
import type { Line } from './line';
import { MissedCalls } from './MissedCalls';
import { PersonRow } from './PersonRow';
import type { CallsState, Person } from './state';
import { usePeople } from './usePeople';
import './calls.css';

interface Props {
  line: Line;
  calls: CallsState;
  /** Somebody is about to call. */
  onSoon: () => void;
  onSignedOut: () => void;
}

const personOf = ({ id, display }: Someone): Person => ({ id, ...(display && { name: display }) });

export function CallPeople({ line, calls, onSoon, onSignedOut }: Props) {
  const { people, again } = usePeople(onSignedOut);
  const [chosen, setChosen] = useState<string[]>([]);
  const [name, setName] = useState('');
  const id = idOf(name);
  const all = people ?? [];
  const some = all.filter((one) => chosen.includes(one.id));

  // The server keeps of a missed call who it was, and no name.
  const named = calls.missed.map((one) => {
    const known = all.find(({ id }) => id === one.from.id);
    return { ...one, from: known ? personOf(known) : one.from };
  });

  const call = (whom: Person[]) => {
    onSoon();
    void line.ring(whom);
  };
  const change = (what: Promise<unknown>) => {
    what.then(again, (error: unknown) => {
      line.say(error instanceof CallError ? error.message : 'Something went wrong. Try again.');
    });
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (id) call([{ id }]);
    else line.say('An AuraID reads @name.aura, with 3 to 32 letters, digits, - and _.');
  };
  const add = () => {
    setName('');
    change(addContact(id));
  };

  return (
    <div className="call-people">
      <form className="call-by-id" onSubmit={submit}>
        <label className="field">
          <span>AuraID of whom you want to call</span>
          <input
            value={name}
            maxLength={38}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder="@name.aura"
            onFocus={onSoon}
            onChange={(e) => setName(e.target.value)}
          />
        </label>
        <button className="main-button" type="submit" disabled={!calls.up || !name.trim()}>
          Call
        </button>
        <button className="plain-button" type="button" disabled={!id} onClick={add}>
          Add to contacts
        </button>
      </form>
      {people && (
        <ul className="callees" aria-label="People">
          {all.map((one) => (
            <PersonRow
              key={one.id}
              one={one}
              chosen={chosen.includes(one.id)}
              onChoose={(on) => setChosen(on ? [...chosen, one.id] : chosen.filter((id) => id !== one.id))}
              onCall={() => call([personOf(one)])}
              onDrop={() => change(dropContact(one.id))}
            />
          ))}
        </ul>
      )}
      {people?.length === 0 && (
        <p className="note">
          Nobody is among your contacts yet. Whether people can be called is told by those who have added you.
        </p>
      )}
      {some.length > 1 && (
        <button
          className="main-button"
          type="button"
          disabled={!calls.up}
          onClick={() => call(some.map(personOf))}
        >
          Call {some.length} people
        </button>
      )}
      <MissedCalls line={line} missed={named} onCall={call} />
    </div>
  );
}
