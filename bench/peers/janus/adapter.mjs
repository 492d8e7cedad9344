// SPDX-License-Identifier: Apache-2.0
// Janus' videoroom behind LiveKit's signalling: adapter.mjs --port N --key K --secret S
//
// Prints {"ready": true, "url", "pid", "version"} when it serves; pid is janus', the process that carries the
// media. Rooms have the plugin's defaults; subscriptions are multistream: one connection for all tracks.
import { SignalTarget } from '@livekit/protocol';
import { parse } from 'sdp-transform';
import { options, serve, untilStopped } from '../lib/signalling.mjs';
import { JanusApi } from './api.mjs';
import { startJanus } from './process.mjs';

const MAX_PUBLISHERS = 10_000;
const SUBSTREAMS = 3;

/** Puts LiveKit's stream and track names into an offer of janus; names is a Map mid -> msid. */
function named(sdp, names) {
  return sdp
    .split(/(?=^m=)/m)
    .map((section) => {
      const msid = names.get(section.match(/^a=mid:(\S+)/m)?.[1]);
      if (!msid) return section;
      const rest = section.replace(/^a=msid:.*\r\n/gm, '').replace(/^(a=ssrc:\d+) msid:.*$/gm, `$1 msid:${msid}`);
      return rest.replace(/^(a=mid:.*\r\n)/m, `$1a=msid:${msid}\r\n`);
    })
    .join('');
}

/** Janus takes the first rid for the best layer, LiveKit's clients name the smallest first. */
function ridsReversed(sdp) {
  return sdp
    .split(/(?=^m=)/m)
    .map((section) => {
      const lines = section.match(/^a=rid:.*\r\n/gm) ?? [];
      const reverse = (_, head, rids) => head + rids.split(';').reverse().join(';');
      const turned = section.replace(/^(a=simulcast:(?:send|recv) )(\S+)/m, reverse);
      return turned.replace(/^a=rid:.*\r\n/gm, () => lines.pop());
    })
    .join('');
}

class Endpoint {
  constructor(api, room) {
    this.api = api;
    this.room = room;
    this.published = new Set(); // mids
    this.items = []; // subscribed: {feed, mid, msid, sid, at: mid in the subscriber's connection}
    this.early = { [SignalTarget.PUBLISHER]: [], [SignalTarget.SUBSCRIBER]: [] };
  }

  async publish(sdp, tracks) {
    const offer = parse(sdp);
    const first = !this.publisher;
    this.publisher ??= await this.api.attach();
    const join = { request: 'joinandconfigure', ptype: 'publisher', room: this.room };
    const request = first ? join : { request: 'configure' };
    const { data, jsep } = await this.publisher.message(request, { type: 'offer', sdp: ridsReversed(sdp) });
    this.feed ??= data.id;
    this.#flush(SignalTarget.PUBLISHER, this.publisher);
    const left = [...tracks];
    const published = [];
    for (const section of offer.media) {
      const mid = String(section.mid);
      const sends = ['audio', 'video'].includes(section.type) && ['sendonly', 'sendrecv'].includes(section.direction);
      if (!sends || this.published.has(mid)) continue;
      const byName = left.findIndex((t) => section.msid?.includes(t.cid));
      const index = byName >= 0 ? byName : left.findIndex((t) => t.kind === section.type);
      if (index < 0) continue;
      this.published.add(mid);
      // The plugin knows a feed only when its connection is up.
      published.push({ cid: left[index].cid, handle: { feed: this.feed, mid }, ready: this.publisher.up });
      left.splice(index, 1);
    }
    return { sdp: ridsReversed(jsep.sdp), published };
  }

  async subscribe(wanted) {
    const first = !this.subscriber;
    this.subscriber ??= await this.api.attach();
    for (const { handle, msid, sid } of wanted) this.items.push({ ...handle, msid, sid });
    const streams = wanted.map(({ handle }) => ({ feed: handle.feed, mid: handle.mid }));
    const request = first
      ? { request: 'join', ptype: 'subscriber', room: this.room, autoupdate: false, streams }
      : { request: 'subscribe', streams };
    const { data, jsep } = await this.subscriber.message(request);
    this.#flush(SignalTarget.SUBSCRIBER, this.subscriber);
    if (!jsep) return null;
    for (const stream of data.streams ?? []) {
      const item = this.items.find((i) => i.feed === stream.feed_id && i.mid === stream.feed_mid);
      if (item) item.at = stream.mid;
    }
    return named(jsep.sdp, new Map(this.items.filter((i) => i.at !== undefined).map((i) => [i.at, i.msid])));
  }

  async answer(sdp) {
    await this.subscriber.message({ request: 'start' }, { type: 'answer', sdp });
  }

  async settings(sid, { disabled, quality, height }) {
    const item = this.items.find((i) => i.sid === sid && i.at !== undefined);
    if (!item) return;
    const substream = height ? (height > 360 ? 2 : height > 180 ? 1 : 0) : Math.min(quality, SUBSTREAMS - 1);
    await this.subscriber.message({ request: 'configure', streams: [{ mid: item.at, send: !disabled, substream }] });
  }

  async unsubscribe(sids) {
    const gone = this.items.filter((i) => sids.includes(i.sid) && i.at !== undefined);
    this.items = this.items.filter((i) => !gone.includes(i));
    if (!gone.length) return;
    const streams = gone.map((i) => ({ mid: i.at, send: false }));
    // The feed may be gone already, and its section with it.
    await this.subscriber.message({ request: 'configure', streams }).catch(() => {});
  }

  trickle(target, init, final) {
    const candidate = final || !init.candidate ? { completed: true } : init;
    const handle = target === SignalTarget.PUBLISHER ? this.publisher : this.subscriber;
    if (handle && !this.early[target]) return handle.trickle(candidate);
    this.early[target].push(candidate);
    return undefined;
  }

  #flush(target, handle) {
    for (const candidate of this.early[target] ?? []) handle.trickle(candidate);
    this.early[target] = null;
  }

  async close() {
    await Promise.all([this.publisher?.detach(), this.subscriber?.detach()]);
  }
}

const { port, key, secret } = options({ port: 0, key: 'devkey', secret: 'secret' });
const janus = await startJanus();
try {
  const api = await JanusApi.connect(janus);
  const manager = await api.attach();
  const backend = {
    needsMedia: true,
    async room(name) {
      const request = { request: 'create', description: name, publishers: MAX_PUBLISHERS, bitrate: 0 };
      const codecs = { audiocodec: 'opus', videocodec: 'vp8,h264' };
      return (await manager.message({ ...request, ...codecs }, null, false)).data.room;
    },
    endpoint: (room) => new Endpoint(api, room),
  };
  const http = await serve(backend, Number(port), { [key]: secret });
  const url = `ws://127.0.0.1:${http.address().port}`;
  console.log(JSON.stringify({ ready: true, url, pid: janus.pid, version: api.version }));
  untilStopped(() => janus.stop());
} catch (error) {
  console.error(error.stack);
  await janus.stop();
  process.exit(1);
}
