// SPDX-License-Identifier: Apache-2.0
// Functions that need no browser: `npm test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aicOf, parseAic, wishOf } from '../src/aic/attributes';
import { kbpsText, ratesBetween, savedOver } from '../src/aic/traffic';
import { pathOf, readAddress } from '../src/app/address';
import { ApiError, isRefused, wordsOf } from '../src/dashboard/api/errors';
import {
  agoText,
  bpsText,
  bytesText,
  manyText,
  msText,
  shareText,
  spanText,
} from '../src/dashboard/words/format';
import { bandsOf, layerText, nextOf, topOf, whyText } from '../src/dashboard/words/layers';
import { setUpToken } from '../src/dashboard/words/link';
import { edgesOf, spotsOf } from '../src/dashboard/words/map';
import { actionText, fallbacksText, personText, sourceText } from '../src/dashboard/words/names';
import { align, changesOf, layersText } from '../src/dashboard/words/series';
import { colourOf, initialsOf } from '../src/people/names';
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

test('numbers as people read them', () => {
  assert.deepEqual([0, 999, 1000, 12_345, 3_400_000, null].map(bpsText), [
    '0 bps',
    '999 bps',
    '1.0 kbps',
    '12 kbps',
    '3.4 Mbps',
    '–',
  ]);
  assert.deepEqual([5, 1500, 2e9].map(bytesText), ['5 B', '1.5 kB', '2.0 GB']);
  assert.deepEqual([0, 0.004, 0.5, 1, undefined].map(shareText), ['0 %', '0.4 %', '50 %', '100 %', '–']);
  assert.deepEqual([4.24, 42.2].map(msText), ['4.2 ms', '42 ms']);
  assert.deepEqual(
    [0, 59_000, 60_000, 3_661_000, 90_000_000].map((ms) => spanText(ms)),
    ['0 s', '59 s', '1 min', '1 h 1 min', '1 d 1 h'],
  );
  assert.deepEqual([agoText(1000, 1500), agoText(0, 3_700_000)], ['just now', '1 h ago']);
  assert.deepEqual([manyText(1, 'room'), manyText(0, 'room')], ['1 room', '0 rooms']);
});

test('layers over time, and why', () => {
  const sample = (at, spatial, why, temporal = 2) => ({
    at_us: at * 1e6,
    spatial,
    temporal,
    paused: spatial < 0,
    why,
  });
  const changes = changesOf([
    sample(0, 2, 'best_there_is'),
    sample(5, 2, 'best_there_is'),
    sample(10, 1, 'bandwidth'),
    sample(15, -1, 'no_room'),
  ]);
  assert.deepEqual(
    changes.map(({ atMs, why }) => [atMs, why]),
    [
      [0, 'best_there_is'],
      [10_000, 'bandwidth'],
      [15_000, 'no_room'],
    ],
  );
  const bands = bandsOf(changes, 5000, 25_000);
  assert.deepEqual(
    bands.map(({ from, width }) => [from, width]),
    [
      [0, 0.25],
      [0.25, 0.25],
      [0.5, 0.5],
    ],
  );
  assert.deepEqual(bandsOf(changes, 30_000, 30_000), []);
  const top = topOf(changes);
  assert.deepEqual(
    [
      changes[0],
      sample(0, 1, 'bandwidth', 1),
      sample(0, 0, 'bandwidth', 0),
      changes[2],
      sample(0, 1, 'best_there_is', 0),
    ].map((change) => layerText(change, top)),
    ['high', 'medium, half frame rate', 'low, a quarter of the frame rate', 'paused', 'medium'],
  );
  assert.equal(topOf([]), -1);
  assert.equal(whyText('something_new'), 'something new');
  assert.ok(nextOf('bandwidth') && !nextOf('as_wished'));
  assert.deepEqual([7, 4, 0].map(layersText), ['low, medium, high', 'high', '–']);
});

test('samples of several lists on one axis', () => {
  const list = (...seconds) => seconds.map((s) => ({ at_us: s * 1e6, n: s }));
  assert.deepEqual(
    align([list(10, 15.2, 20, 35), list(14.9, 25)], 5, ({ n }) => n),
    {
      times: [10, 15, 20, 25, 35],
      columns: [
        [10, 15.2, 20, 20, 35],
        [null, 14.9, 14.9, 25, 25],
      ],
    },
  );
  assert.deepEqual(align([list(10, 25), list(10, 15, 20, 25)], 5, ({ n }) => n).columns[0], [
    10,
    null,
    null,
    25,
  ]);
  assert.deepEqual(
    align([[], []], 5, () => 0),
    { times: [], columns: [[], []] },
  );
});

test('nodes on the map', () => {
  assert.deepEqual([...spotsOf(['a'], 100, 50)], [['a', { x: 50, y: 25 }]]);
  const spots = [...spotsOf(['a', 'b', 'c'], 100, 100).values()];
  assert.equal(new Set(spots.map(({ x, y }) => `${x.toFixed()} ${y.toFixed()}`)).size, 3);
  assert.ok(spots.every(({ x, y }) => x > 0 && x < 100 && y > 0 && y < 100));
  const route = (sid, node, kind) => ({ sid, node, kind });
  assert.deepEqual(
    edgesOf([
      route('1', 'a', 'home'),
      route('2', 'a', 'home'),
      route('1', 'b', 'relay'),
      route('2', 'b', 'relay'),
      route('2', 'a', 'relay'),
      route('3', 'c', 'relay'),
    ]),
    [{ from: 'a', to: 'b', rooms: 2 }],
  );
});

test('the dashboard’s words', () => {
  assert.deepEqual(['#setup=a%2Fb', '#setup=%E0%A4%A', '#other', ''].map(setUpToken), ['a/b', '', '', '']);
  assert.equal(actionText('session.sign_in_failed'), 'session: sign in failed');
  assert.equal(
    fallbacksText({ late: 2, refused: 0, something_new: 9 }),
    '9 × something new, 2 × frames came too late',
  );
  assert.equal(personText({ name: '', identity: 'x' }), 'x');
  assert.deepEqual(
    [
      { source: 'camera', kind: 'video', name: 'n' },
      { source: 'unknown', kind: 'video', name: '<b>' },
      { source: 'unknown', kind: 'audio', name: '' },
    ].map(sourceText),
    ['Camera', '<b>', 'Sound'],
  );
  const answer = (status, headers = {}) => new Response(null, { status, headers });
  const error = ApiError.of(answer(409), { code: 'conflict', message: 'Do that.' });
  assert.deepEqual(
    [error.status, error.code, wordsOf(error), isRefused(error)],
    [409, 'conflict', 'Do that.', true],
  );
  assert.match(wordsOf(ApiError.of(answer(429, { 'retry-after': '7' }), 'slow down')), /in 7 seconds/);
  assert.match(wordsOf(ApiError.of(answer(503), { code: 1 })), /503/);
  assert.equal(isRefused(ApiError.of(answer(503), '')), false);
  assert.match(wordsOf(new TypeError('x')), /Load it again/);
});
