// SPDX-License-Identifier: Apache-2.0
import { useState } from 'react';
import { api, take, type Schemas } from '../api/client';
import { useAct } from '../api/useAct';
import { Choice } from '../parts/Choice';
import { Confirm } from '../parts/Confirm';
import { Copy } from '../parts/Copy';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { countText } from '../words/format';

type Key = Schemas['Key'];

export interface Made {
  key: Key;
  secret: string;
}

/** The one time that a secret is seen. */
export function SecretDialog({ made, onClose }: { made: Made; onClose: () => void }) {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return (
    <Dialog title={`The secret of ${made.key.key}`} onClose={onClose}>
      <div className="form">
        <p>
          <b>It is shown this once.</b> Put it where your app’s server keeps its secrets, never into an app or
          a page that people load. If it is lost, rotate the key.
        </p>
        <Copy label="LIVEKIT_URL" text={`${scheme}://${location.host}`} />
        <Copy label="LIVEKIT_API_KEY" text={made.key.key} />
        <Copy label="LIVEKIT_API_SECRET" text={made.secret} />
        <div className="dialog-buttons">
          <button type="button" className="button button-do" onClick={onClose}>
            I have it
          </button>
        </div>
      </div>
    </Dialog>
  );
}

export function MakeKey({ onMade }: { onMade: (made: Made) => void }) {
  const [project, setProject] = useState('');
  const act = useAct('keys');
  const make = async () => {
    onMade(await act(take(api.POST('/api/v1/keys', { body: { project: project.trim() } }))));
    setProject('');
  };
  return (
    <Confirm label="New key" title="A new API key" does="Make the key" main act={make}>
      <p>
        Apps sign the access tokens of their people with it. A key for each app lets you revoke one alone.
      </p>
      <Field
        label="Project"
        value={project}
        required
        maxLength={100}
        autoComplete="off"
        hint="Which app it is for. Keys of the same project stand together."
        onChange={setProject}
      />
    </Confirm>
  );
}

const OVERLAPS: readonly (readonly [number, string])[] = [
  [0, 'at once: what still has the old one fails now'],
  [3600, 'in an hour'],
  [86_400, 'in a day'],
  [604_800, 'in a week'],
  [2_592_000, 'in 30 days'],
];

export function RotateKey({ of, onMade }: { of: Key; onMade: (made: Made) => void }) {
  const [overlap, setOverlap] = useState(86_400);
  const act = useAct('keys');
  const rotate = async () => {
    const path = { key: of.key };
    onMade(
      await act(
        take(api.POST('/api/v1/keys/{key}/rotate', { params: { path }, body: { overlap_s: overlap } })),
      ),
    );
  };
  return (
    <Confirm label="Rotate" title={`A new secret for ${of.key}`} does="Make a new secret" act={rotate}>
      <p>
        The key keeps its name, so people keep their AuraIDs. Put the new secret into your app before the old
        one ends.
        {of.state === 'rotating' && ' The secret before the last one ends at once.'}
      </p>
      <Choice label="The old secret ends" value={overlap} options={OVERLAPS} onChange={setOverlap} />
    </Confirm>
  );
}

export function RevokeKey({ of, onDone }: { of: Key; onDone: (words: string) => void }) {
  const [disconnect, setDisconnect] = useState(false);
  const act = useAct('keys', 'rooms', 'room', 'overview');
  const revoke = async () => {
    const params = { path: { key: of.key } };
    const { disconnected } = await act(
      take(api.POST('/api/v1/keys/{key}/revoke', { params, body: { disconnect } })),
    );
    onDone(`${of.key} is revoked.${disconnect ? ` Disconnected with it: ${countText(disconnected)}.` : ''}`);
  };
  return (
    <Confirm label="Revoke" title={`Revoke ${of.key}?`} does="Revoke for good" danger act={revoke}>
      <p>From now on:</p>
      <ul className="consequences">
        <li>no token that it signed lets anybody in, and none that it signs later;</li>
        <li>servers of the app that call this one’s API are refused;</li>
        <li>who is in a call stays until they leave, but cannot come back after a lost connection;</li>
        <li>it cannot be undone: the app needs another key.</li>
      </ul>
      <label className="check">
        <input
          type="checkbox"
          checked={disconnect}
          onChange={(event) => setDisconnect(event.target.checked)}
        />
        <span>Also disconnect everybody who came in by it</span>
      </label>
    </Confirm>
  );
}

export function RenameKey({ of }: { of: Key }) {
  const [project, setProject] = useState(of.project);
  const act = useAct('keys');
  const rename = () =>
    act(
      take(
        api.PATCH('/api/v1/keys/{key}', {
          params: { path: { key: of.key } },
          body: { project: project.trim() },
        }),
      ),
    );
  return (
    <Confirm label="Rename" title={`The project of ${of.key}`} does="Rename" act={rename}>
      <Field
        label="Project"
        value={project}
        required
        maxLength={100}
        autoComplete="off"
        onChange={setProject}
      />
    </Confirm>
  );
}
