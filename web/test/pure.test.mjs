// SPDX-License-Identifier: Apache-2.0
// Functions that need no browser: `npm test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aicOf, parseAic, wishOf } from '../src/aic/attributes';
import { kbpsText, ratesBetween, savedOver } from '../src/aic/traffic';
import { pathOf, readAddress } from '../src/app/address';
import { Quiet } from '../src/direct/quiet';
import { makeKeys, seal, unseal } from '../src/direct/seal';
import { readMessage, reasonFor } from '../src/direct/words';
import { colourOf, initialsOf } from '../src/people/names';
import { mayModerate } from '../src/people/moderation';
import { roomOfToken } from '../src/prejoin/session';
import { readReaction } from '../src/signals/reactions';
import { columnsFor } from '../src/stage/columns';

test('what the server says of a track', () => {
  assert.deepEqual(parseAic('ratio:0.80 vmaf:91 model:seg-1 lat:6.2ms'), {
    mode: 'compressed',
    vmaf: 91,
    saved: 0.8,
    latencyMs: 6.2,
    model: 'seg-1',
  });
  assert.deepEqual(parseAic('governed cap:600kbps vmaf:93'), { mode: 'governed', vmaf: 93, capKbps: 600 });
  assert.deepEqual(parseAic('native'), { mode: 'native' });
  assert.deepEqual(parseAic('ratio:7 lat:.'), { mode: 'compressed', saved: 1 });
  assert.deepEqual(parseAic('model:<b>'), { mode: 'compressed' });
  assert.equal(parseAic(''), null);
  assert.deepEqual(aicOf({ 'auralink.aic.TR_1': 'native' }, 'TR_1'), { mode: 'native' });
  assert.equal(aicOf({ 'auralink.aic.TR_1': 'native' }, 'TR_2'), null);
  assert.deepEqual(
    ['off', 'saver', 'on', 'else', undefined].map((wish) => wishOf({ 'auralink.aic': wish })),
    ['off', 'saver', 'on', 'on', 'on'],
  );
});

test('rates, and what would come without AIC', () => {
  const look = (atMs, rows) => ({ atMs, tracks: new Map(rows) });
  const before = look(1000, [
    ['in', { bytes: 1000, received: true, saved: 0.75 }],
    ['out', { bytes: 0, received: false, saved: 0.75 }],
    ['reset', { bytes: 9000, received: true, saved: 0 }],
  ]);
  const now = look(3000, [
    ['in', { bytes: 26000, received: true, saved: 0.75 }],
    ['out', { bytes: 50000, received: false, saved: 0.75 }],
    ['reset', { bytes: 10, received: true, saved: 0 }],
    ['new', { bytes: 5000, received: true, saved: 0 }],
  ]);
  const { sample, byTrack } = ratesBetween(before, now);
  assert.deepEqual(sample, { atMs: 3000, downKbps: 100, upKbps: 200, plainKbps: 400 });
  assert.deepEqual(
    [...byTrack],
    [
      ['in', 100],
      ['out', 200],
    ],
  );
  assert.equal(savedOver([sample, { ...sample, downKbps: 400 }]), 1 - 500 / 800);
  assert.equal(savedOver([]), 0);
  assert.deepEqual([0, 999.4, 1000, 2345].map(kbpsText), ['0 kbps', '999 kbps', '1.0 Mbps', '2.3 Mbps']);
});

test('addresses go there and back', () => {
  for (const address of [
    { room: 'a b/ü?#', passphrase: '' },
    { room: 'x', passphrase: 'p&=# ü' },
    { room: '', passphrase: '' },
  ]) {
    const url = new URL(pathOf(address), 'http://localhost');
    assert.deepEqual(readAddress(url), address);
  }
  assert.equal(readAddress(new URL('http://localhost/r/%E0%A4%A')).room, '');
});

test('names, tokens, reactions, columns', () => {
  assert.deepEqual(['Ada Lovelace', 'bob', '  ', '👩‍🚀 x', 'a b c'].map(initialsOf), [
    'AL',
    'B',
    '',
    '👩‍🚀X',
    'AC',
  ]);
  assert.ok(['', 'x', '👩‍🚀'].every((name) => [0, 1, 2, 3, 4, 5].includes(colourOf(name))));
  const claims = Buffer.from(JSON.stringify({ video: { room: 'r?~' } })).toString('base64url');
  assert.deepEqual([`h.${claims}.s`, 'x', 'a.b.c', ''].map(roomOfToken), ['r?~', '', '', '']);
  const bytes = (text) => new TextEncoder().encode(text);
  assert.deepEqual(
    ['👍', '<b>', '👍👍', 'x'.repeat(99)].map((t) => readReaction(bytes(t))),
    ['👍', null, null, null],
  );
  assert.deepEqual([0, 1, 2, 4, 5, 9, 10, 36, 99].map(columnsFor), [1, 1, 2, 2, 3, 3, 4, 6, 6]);
});

test('when media goes directly, and when not', () => {
  const both = {
    able: true,
    encrypted: false,
    mine: true,
    theirs: true,
    others: 1,
    person: true,
    recording: false,
    aic: false,
  };
  assert.equal(reasonFor(both), '');
  const but = (some) => reasonFor({ ...both, ...some });
  assert.deepEqual(
    [
      { able: false },
      { encrypted: true },
      { mine: false },
      { theirs: false },
      { others: 0 },
      { others: 2 },
    ].map(but),
    ['unable', 'encrypted', 'off', 'theirs', 'alone', 'many'],
  );
  assert.deepEqual([{ person: false }, { recording: true }, { aic: true }].map(but), [
    'many',
    'recording',
    'aic',
  ]);
});

test('what another browser says is read with care', () => {
  assert.deepEqual(readMessage('{"id":"1","phase":"offer","sdp":"v=0","more":1}'), {
    id: '1',
    phase: 'offer',
    sdp: 'v=0',
  });
  assert.deepEqual(readMessage('{"id":"1","phase":"left","sdp":7}'), { id: '1', phase: 'left' });
  for (const bad of [
    '',
    'null',
    '7',
    '{}',
    '{"id":1,"phase":"offer"}',
    '{"id":"1","phase":"eat"}',
    '{"id":',
  ]) {
    assert.equal(readMessage(bad), null, bad);
  }
});

test('a direct path that falls silent has failed', () => {
  const quiet = new Quiet();
  assert.equal(quiet.look(10, true, 100), false);
  assert.deepEqual(
    [1, 2, 3].map(() => quiet.look(10, true, 100)),
    [false, false, true],
  );
  const held = new Quiet(); // the page was held up for ten seconds: that is not the path's silence
  held.look(10, true, 100);
  assert.equal(held.look(10, true, 10_000), false);
  assert.equal(held.look(11, true, 10_000), false);
  const muted = new Quiet(); // nothing is expected, then something, which may take a while to begin
  muted.look(10, true, 100);
  for (let at = 0; at < 50; at++) assert.equal(muted.look(10, false, 100), false);
  for (let at = 0; at < 29; at++) assert.equal(muted.look(10, true, 100), false);
  assert.equal(muted.look(10, true, 100), true);
});

test('messages are sealed for one reader', async () => {
  const [ada, bob, eve] = await Promise.all([makeKeys(), makeKeys(), makeKeys()]);
  const sealed = await seal(ada, bob.shown, 'ada', 'bob', 'ü candidate 192.0.2.1');
  assert.equal(await unseal(bob, ada.shown, 'ada', 'bob', sealed), 'ü candidate 192.0.2.1');
  assert.equal(await unseal(eve, ada.shown, 'ada', 'bob', sealed), null);
  assert.equal(await unseal(bob, eve.shown, 'ada', 'bob', sealed), null);
  assert.equal(await unseal(ada, bob.shown, 'bob', 'ada', sealed), null); // sent back to its author
  for (const bad of ['', '?', 'AAAA', sealed.slice(4)]) {
    assert.equal(await unseal(bob, ada.shown, 'ada', 'bob', bad), null);
  }
  assert.equal(await unseal(bob, 'no key', 'ada', 'bob', sealed), null);
});

test('who may moderate', () => {
  const token = (video) => `h.${Buffer.from(JSON.stringify({ video })).toString('base64url')}.s`;
  assert.deepEqual(
    [{ roomAdmin: true }, { roomAdmin: 'yes' }, {}, undefined].map((video) => mayModerate(token(video))),
    [true, false, false, false],
  );
  assert.deepEqual(['', 'a.b', '..'].map(mayModerate), [false, false, false]);
});
