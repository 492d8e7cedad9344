// SPDX-License-Identifier: Apache-2.0
// mediasoup behind LiveKit's signalling: adapter.mjs --port N --key K --secret S
//
// MEDIASOUP_WORKER_BIN names the worker. Prints {"ready": true, "url", "pid", "version"} when it serves; pid
// is the worker's, the process that carries the media. One worker on one UDP port; RTX, NACK, TWCC and simulcast as mediasoup's defaults are.
import { createWorker, version } from 'mediasoup';
import { options, serve, untilStopped } from '../lib/signalling.mjs';
import { dtlsOf, producerParameters, publisherAnswer, read, subscriberOffer } from './sdp.mjs';

const CODECS = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2, preferredPayloadType: 111 },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90000, preferredPayloadType: 96 },
  {
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90000,
    preferredPayloadType: 102,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
  },
];
const SPATIAL_LAYERS = 3;
// One socket for everybody: as much as is allowed.
const BUFFERS = { sendBufferSize: 4 << 20, recvBufferSize: 4 << 20 };

class Endpoint {
  constructor(router, server) {
    this.router = router;
    this.server = server;
    this.producers = new Map(); // mid -> Producer
    this.items = []; // one for each section of the subscriber's offer after the first
    this.waiting = []; // consumers to resume when the answer is here
  }

  makeTransport() {
    return this.router.createWebRtcTransport({
      webRtcServer: this.server,
      enableSctp: true,
      // Nobody here starts at mediasoup's default of 600 kbit/s: what is measured is the top layer.
      initialAvailableOutgoingBitrate: 10_000_000,
    });
  }

  async publish(sdp, tracks) {
    const offer = read(sdp);
    if (!this.publisher) {
      this.publisher = await this.makeTransport();
      await this.publisher.connect({ dtlsParameters: dtlsOf(offer, 'client') });
    }
    const published = [];
    const left = [...tracks];
    for (const section of offer.media) {
      const mid = String(section.mid);
      const sends = ['audio', 'video'].includes(section.type) && ['sendonly', 'sendrecv'].includes(section.direction);
      if (!sends || this.producers.has(mid)) continue;
      const named = left.findIndex((t) => section.msid?.includes(t.cid));
      const index = named >= 0 ? named : left.findIndex((t) => t.kind === section.type);
      if (index < 0) continue;
      const rtpParameters = producerParameters(section, CODECS);
      const producer = await this.publisher.produce({ kind: section.type, rtpParameters });
      this.producers.set(mid, producer);
      published.push({ cid: left[index].cid, handle: producer });
      left.splice(index, 1);
    }
    return { sdp: publisherAnswer(offer, this.publisher, this.producers), published };
  }

  async subscribe(wanted) {
    this.subscriber ??= await this.makeTransport();
    for (const { handle, msid, kind, sid } of wanted) {
      if (handle.closed) continue;
      const consumer = await this.subscriber.consume({
        producerId: handle.id,
        rtpCapabilities: this.router.rtpCapabilities,
        mid: String(this.items.length + 1),
        paused: true,
      });
      this.items.push({ consumer, msid, kind, sid, active: true });
      this.waiting.push(consumer);
    }
    return subscriberOffer(this.subscriber, this.items);
  }

  async answer(sdp) {
    const answer = read(sdp);
    if (!this.connected) {
      this.connected = true;
      const setup = answer.media[0].setup ?? answer.setup;
      await this.subscriber.connect({ dtlsParameters: dtlsOf(answer, setup === 'passive' ? 'server' : 'client') });
    }
    const resumed = this.waiting.splice(0).filter((c) => !c.closed);
    await Promise.all(resumed.map((c) => c.resume()));
  }

  async settings(sid, { disabled, quality, height }) {
    const consumer = this.items.find((i) => i.sid === sid && i.active)?.consumer;
    if (!consumer || consumer.closed) return;
    if (disabled) return void (await consumer.pause());
    if (consumer.paused && !this.waiting.includes(consumer)) await consumer.resume();
    if (consumer.type !== 'simulcast') return;
    const layer = height ? (height > 360 ? 2 : height > 180 ? 1 : 0) : Math.min(quality, SPATIAL_LAYERS - 1);
    await consumer.setPreferredLayers({ spatialLayer: layer });
  }

  unsubscribe(sids) {
    for (const item of this.items.filter((i) => sids.includes(i.sid))) {
      item.active = false; // the section stays, without a track
      item.consumer.close();
    }
  }

  trickle() {} // a lite agent learns addresses from the checks

  close() {
    this.publisher?.close();
    this.subscriber?.close();
  }
}

const { port, key, secret } = options({ port: 0, key: 'devkey', secret: 'secret' });
const worker = await createWorker({ logLevel: 'error' });
worker.on('died', (error) => {
  console.error(`the worker died: ${error}`);
  process.exit(1);
});
const listenInfos = [{ protocol: 'udp', ip: '127.0.0.1', ...BUFFERS }];
const server = await worker.createWebRtcServer({ listenInfos });
const backend = {
  needsMedia: false,
  room: () => worker.createRouter({ mediaCodecs: CODECS }),
  endpoint: (router) => new Endpoint(router, server),
};
const http = await serve(backend, Number(port), { [key]: secret });
const url = `ws://127.0.0.1:${http.address().port}`;
console.log(JSON.stringify({ ready: true, url, pid: worker.pid, version }));
untilStopped(() => worker.close());
