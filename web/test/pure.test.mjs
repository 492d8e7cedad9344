// SPDX-License-Identifier: Apache-2.0
// Functions that need no browser: `npm test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aicOf, parseAic, wishOf } from '../src/aic/attributes';
import { kbpsText, ratesBetween, savedOver } from '../src/aic/traffic';
import { bytesOf, textOf } from '../src/account/bytes';
import { passkeysWorkAt } from '../src/account/passkey';
import { passkeyName, passkeyText, passwordProblem, sessionsText } from '../src/account/settings/words';
import { pathOf, readAddress } from '../src/app/address';
import { Quiet } from '../src/direct/quiet';
import { makeKeys, seal, unseal } from '../src/direct/seal';
import { readMessage, reasonFor } from '../src/direct/words';
import { idOf } from '../src/calls/api';
import { NO_CALLS, namesOf, place, readEvent, reduce, rungTexts, titleOf } from '../src/calls/state';
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
import { edgesOf, placeText, spotsOf, trafficText } from '../src/dashboard/words/map';
import { actionText, fallbacksText, personText, sourceText } from '../src/dashboard/words/names';
import { align, changesOf, layersText } from '../src/dashboard/words/series';
import { colourOf, initialsOf } from '../src/people/names';
import { mayModerate } from '../src/people/moderation';
import { roomOfToken } from '../src/prejoin/session';
import { readReaction } from '../src/signals/reactions';
import { columnsFor, fitOf, stripOf } from '../src/stage/columns';

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
  assert.deepEqual(aicOf({ 'auralink.aic.TR_1': 'native' }, 'TR_1', {}), { mode: 'native' });
  assert.equal(aicOf({ 'auralink.aic.TR_1': 'native' }, 'TR_2', {}), null);
  const small = { 'auralink.aic.TR_1': 'ratio:0.80', 'auralink.aic.TR_2': 'governed cap:600kbps' };
  for (const wish of ['on', 'saver', undefined]) {
    assert.deepEqual(aicOf(small, 'TR_1', { 'auralink.aic': wish }), { mode: 'compressed', saved: 0.8 });
  }
  assert.deepEqual(aicOf(small, 'TR_1', { 'auralink.aic': 'off' }), { mode: 'native' });
  assert.deepEqual(aicOf(small, 'TR_2', { 'auralink.aic': 'off' }), { mode: 'governed', capKbps: 600 });
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

test('bytes of passkeys', () => {
  const bytes = Uint8Array.from([0, 1, 250, 255, 62]);
  assert.deepEqual(bytesOf(textOf(bytes.buffer)), bytes);
  assert.deepEqual(bytesOf('-_8'), Uint8Array.from([251, 255]));
  assert.deepEqual(bytesOf('+/8='), Uint8Array.from([251, 255]));
  const sites = ['localhost', 'meet.example.org', '127.0.0.1', '[::1]'];
  assert.deepEqual(
    sites.map((hostname) => passkeysWorkAt({ hostname }, true)),
    [true, true, false, false],
  );
  assert.equal(passkeysWorkAt({ hostname: 'meet.example.org' }, false), false);
});

test('what people type for an AuraID', () => {
  const typed = [' Ann ', '@ann.aura', 'ann.aura', 'a', 'ann@example.org', '<b>', '-ann', 'x'.repeat(33)];
  assert.deepEqual(typed.map(idOf), ['@ann.aura', '@ann.aura', '@ann.aura', '', '', '', '', '']);
});

const ann = { id: '@ann.aura', name: 'Ann' };
const ring = (call, from = ann) => ({ event: 'ring', call, from, video: true, waiting: false });
const after = (...events) => events.reduce(reduce, NO_CALLS);

test('calls that come in', () => {
  const hello = { event: 'hello', id: '@me.aura', device: 'd', missed: [] };
  const two = after(hello, ring('CA_1'), ring('CA_2', { id: '@bob.aura' }), ring('CA_1'));
  assert.deepEqual(
    two.ringing.map(({ call }) => call),
    ['CA_2', 'CA_1'],
  );
  assert.equal(titleOf(two, 'CA_2'), '@bob.aura');
  const elsewhere = reduce(two, { event: 'quiet', call: 'CA_1', reason: 'answered_elsewhere' });
  assert.equal(elsewhere.ringing.length, 1);
  assert.match(elsewhere.notice, /another of your devices/);
  // Quiet about a call that does not ring here says nothing.
  assert.equal(reduce(two, { event: 'quiet', call: 'CA_9', reason: 'answered_elsewhere' }).notice, '');
  const missed = { event: 'missed', call: 'CA_2', from: ann, video: true, reason: 'timeout', at: 7 };
  const twice = reduce(reduce(two, missed), missed);
  assert.equal(twice.missed.length, 1);
  assert.equal(twice.ringing.length, 1);
  // What is so now is told anew by each connection.
  assert.deepEqual(reduce(twice, hello).ringing, []);
  assert.equal(reduce(two, { event: 'join', call: 'CA_1', error: 'no room' }).notice, 'no room');
});

test('calls that go out', () => {
  const placed = { call: 'CA_1', to: [{ ...ann, state: 'ringing' }] };
  const over = (reason) => ({ event: 'over', call: 'CA_1', reason });
  const out = place(NO_CALLS, placed);
  assert.equal(titleOf(out, 'CA_1'), 'Ann');
  assert.equal(reduce(out, over('declined')).notice, 'Ann declined.');
  assert.equal(reduce(out, over('timeout')).placed, null);
  assert.equal(reduce(out, over('left')).notice, '');
  assert.equal(reduce(out, { event: 'join', call: 'CA_1', room: 'r', token: 't', url: null }).placed, null);
  // Events may come before the answer to the request that they follow from.
  assert.equal(place(after(over('busy')), placed).placed, null);
  const person = {
    event: 'person',
    call: 'CA_1',
    person: { id: '@bob.aura', name: 'Bob' },
    state: 'ringing',
  };
  assert.equal(namesOf(reduce(out, person).placed.to), 'Ann and Bob');
  assert.equal(namesOf([ann, { id: '@b.aura' }, { id: '@c.aura', name: 'C' }]), 'Ann, @b.aura and C');
});

test('who is rung into a call that goes on', () => {
  const join = { event: 'join', call: 'CA_1', room: 'r', token: 't', url: null };
  const person = (name, state, reason, call = 'CA_1') => ({
    event: 'person',
    call,
    person: { id: `@${name}.aura`, name },
    state,
    ...(reason && { reason }),
  });
  const group = [
    { ...ann, state: 'accepted' },
    { id: '@bob.aura', name: 'Bob', state: 'ringing' },
  ];
  // Of a group the others ring on when the first one has answered.
  const inside = reduce(place(NO_CALLS, { call: 'CA_1', to: group }), join);
  assert.deepEqual(rungTexts(inside.current), ['Bob: ringing…']);
  const more = reduce(inside, person('Eve', 'ringing'));
  assert.deepEqual(rungTexts(more.current), ['Bob: ringing…', 'Eve: ringing…']);
  const answered = reduce(reduce(more, person('Eve', 'ended', 'declined')), {
    ...person('bob', 'accepted'),
    person: { id: '@bob.aura', name: 'Bob' },
  });
  assert.deepEqual(rungTexts(answered.current), ['Eve declined']);
  assert.deepEqual(rungTexts(reduce(answered, person('Zed', 'ringing', '', 'CA_2')).current), [
    'Eve declined',
  ]);
  assert.deepEqual(rungTexts(reduce(answered, person('Eve', 'ringing')).current), ['Eve: ringing…']); // asked again
  assert.deepEqual(reduce(answered, join).current, answered.current); // joined again: a line that was gone
  assert.equal(reduce(answered, { event: 'over', call: 'CA_1', reason: 'left' }).current, null);
  assert.deepEqual(
    reduce(answered, { event: 'over', call: 'CA_2', reason: 'left' }).current,
    answered.current,
  );
  assert.deepEqual(rungTexts(null), []);
  assert.deepEqual(rungTexts(reduce(inside, person('Bot', 'ended', 'new in a later version')).current), [
    'Bob: ringing…',
  ]);
});

test('an account in words', () => {
  const key = { id: 'x', name: '', site: 'example.org', created_us: 1.7e15, used_us: 1.7e15 };
  assert.equal(passkeyName(key), 'Passkey without a name');
  assert.equal(passkeyName({ ...key, name: '<b>' }), '<b>');
  assert.equal(passkeyText(key, 'en-GB'), 'for example.org, made 14 Nov 2023, not used since');
  assert.match(passkeyText({ ...key, used_us: 1.8e15 }, 'en-GB'), /last used 15 Jan 2027$/);
  assert.match(sessionsText(1), /^This browser alone/);
  assert.match(sessionsText(2), /another browser\.$/);
  assert.match(sessionsText(4), /3 other browsers\.$/);
  assert.equal(passwordProblem('correct horse', 'correct horse'), '');
  assert.match(passwordProblem('short', 'short'), /10 characters/);
  assert.match(passwordProblem('correct horse', 'correct house'), /differ/);
  assert.match(passwordProblem('ü'.repeat(129), 'ü'.repeat(129)), /too long/);
});

test('pages of a large room', () => {
  assert.deepEqual(fitOf(1256, 640), { page: 25, columns: 6 });
  assert.deepEqual(fitOf(366, 580), { page: 10, columns: 2 });
  assert.deepEqual(fitOf(366, 200), { page: 2, columns: 2 });
  assert.deepEqual(fitOf(0, 0), { page: 1, columns: 1 }); // not laid out yet: never a page of none
  assert.deepEqual(
    [0, 290, 366, 616, 1256, 1896].map((width) => stripOf(width).page),
    [1, 2, 2, 4, 5, 7],
  );
});

test('events that are not known are passed over', () => {
  assert.equal(readEvent('{"event":"dance"}'), null);
  assert.equal(readEvent('{}'), null);
  assert.equal(readEvent('{"event":"over","call":"x","reason":"left"}').call, 'x');
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
  assert.equal(trafficText({ in_bps: 1000, out_bps: 2000, packets_s: 9 }), '↓ 1.0 kbps ↑ 2.0 kbps');
  assert.equal(trafficText({ in_bps: null, out_bps: null, packets_s: 1234 }), '1,234 packets/s');
  assert.equal(trafficText({ in_bps: null, out_bps: null, packets_s: null }), '–');
  assert.deepEqual([placeText('ND_1', 'eu'), placeText('ND_1', '')], ['eu: ND_1', 'ND_1']);
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

test('who may moderate', () => {
  const token = (video) => `h.${Buffer.from(JSON.stringify({ video })).toString('base64url')}.s`;
  assert.deepEqual(
    [{ roomAdmin: true }, { roomAdmin: 'yes' }, {}, undefined].map((video) => mayModerate(token(video))),
    [true, false, false, false],
  );
  assert.deepEqual(['', 'a.b', '..'].map(mayModerate), [false, false, false]);
});
