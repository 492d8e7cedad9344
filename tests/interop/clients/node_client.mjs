// SPDX-License-Identifier: Apache-2.0
// Drives any number of @livekit/rtc-node rooms in one process; commands as lines.mjs says.
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  DataPacketKind,
  EncryptionType,
  LocalAudioTrack,
  LocalVideoTrack,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoCodec,
  VideoFrame,
  VideoSource,
  VideoStream,
} from '@livekit/rtc-node';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { emit, serve } from './lines.mjs';
import { AudioWatch, Lateness, VideoWatch, drawLuma } from './pattern.mjs';

const nowMs = () => performance.timeOrigin + performance.now();
const clients = new Map();
const lateness = new Lateness();
const kindName = (kind) => (kind === TrackKind.KIND_VIDEO ? 'video' : 'audio');

class Client {
  constructor(name) {
    this.name = name;
    this.room = new Room();
    this.watches = new Map(); // track sid -> {watch, identity, reader}
    this.published = new Map(); // name -> {sid, track, stop}
    this.saveFrames = null; // {folder, left}
    this.saveSound = null; // a file: all samples that are heard from now on
    this.listen();
  }

  tell(event, fields = {}) {
    emit({ event, client: this.name, at: nowMs(), ...fields });
  }

  listen() {
    const room = this.room;
    const who = (p) => ({ identity: p?.identity ?? '', psid: p?.sid ?? '' });
    room
      .on(RoomEvent.ParticipantConnected, (p) => this.tell('participantConnected', { ...who(p), name: p.name }))
      .on(RoomEvent.ParticipantDisconnected, (p) =>
        this.tell('participantDisconnected', { ...who(p), reason: p.disconnectReason }),
      )
      .on(RoomEvent.TrackPublished, (pub, p) =>
        this.tell('trackPublished', { ...who(p), sid: pub.sid, name: pub.name, kind: kindName(pub.kind) }),
      )
      .on(RoomEvent.TrackUnpublished, (pub, p) => this.tell('trackUnpublished', { ...who(p), sid: pub.sid }))
      .on(RoomEvent.TrackSubscribed, (track, pub, p) => {
        this.watch(track, p.identity);
        this.tell('trackSubscribed', {
          ...who(p),
          sid: track.sid,
          kind: kindName(track.kind),
          mime: pub.mimeType,
          encryption: pub.encryptionType,
        });
      })
      .on(RoomEvent.TrackUnsubscribed, (track, pub, p) => this.tell('trackUnsubscribed', { ...who(p), sid: pub.sid }))
      .on(RoomEvent.TrackMuted, (pub, p) => this.tell('trackMuted', { ...who(p), sid: pub.sid }))
      .on(RoomEvent.TrackUnmuted, (pub, p) => this.tell('trackUnmuted', { ...who(p), sid: pub.sid }))
      .on(RoomEvent.ActiveSpeakersChanged, (s) =>
        this.tell('activeSpeakersChanged', { identities: s.map((p) => p.identity) }),
      )
      .on(RoomEvent.RoomMetadataChanged, (metadata) => this.tell('roomMetadataChanged', { metadata }))
      .on(RoomEvent.ParticipantMetadataChanged, (_, p) =>
        this.tell('participantMetadataChanged', { ...who(p), metadata: p.metadata }),
      )
      .on(RoomEvent.ParticipantNameChanged, (name, p) => this.tell('participantNameChanged', { ...who(p), name }))
      .on(RoomEvent.ParticipantAttributesChanged, (changed, p) =>
        this.tell('participantAttributesChanged', { ...who(p), changed, attributes: p.attributes }),
      )
      .on(RoomEvent.ConnectionQualityChanged, (quality, p) =>
        this.tell('connectionQualityChanged', { ...who(p), quality: String(quality) }),
      )
      .on(RoomEvent.DataReceived, (payload, p, kind, topic) =>
        this.tell('dataReceived', {
          ...who(p),
          text: Buffer.from(payload).toString(),
          reliable: kind === DataPacketKind.KIND_RELIABLE,
          topic: topic ?? '',
        }),
      )
      .on(RoomEvent.LocalTrackSubscribed, (track) => this.tell('localTrackSubscribed', { sid: track.sid }))
      .on(RoomEvent.EncryptionError, (error) => this.tell('encryptionError', { message: String(error) }))
      .on(RoomEvent.Reconnecting, () => this.tell('reconnecting'))
      .on(RoomEvent.Reconnected, () => this.tell('reconnected'))
      .on(RoomEvent.Disconnected, (reason) => this.tell('disconnected', { reason }));
  }

  watch(track, identity) {
    const video = track.kind === TrackKind.KIND_VIDEO;
    const watch = video ? new VideoWatch() : new AudioWatch();
    const stream = video ? new VideoStream(track) : new AudioStream(track, { sampleRate: 48000, numChannels: 1, frameSizeMs: 20 });
    const reader = stream.getReader();
    this.watches.set(track.sid, { watch, identity, reader });
    const pump = async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        if (video) this.videoFrame(watch, value.frame);
        else {
          const samples = Float32Array.from(value.data, (v) => v / 32768);
          watch.arrived(nowMs(), samples, value.sampleRate);
          if (this.saveSound) appendFileSync(this.saveSound, Buffer.from(value.data.buffer, value.data.byteOffset, value.data.byteLength));
        }
      }
    };
    pump().catch((error) => this.tell('streamError', { sid: track.sid, message: String(error) }));
  }

  videoFrame(watch, frame) {
    const i420 = frame.type === VideoBufferType.I420 ? frame : frame.convert(VideoBufferType.I420);
    const { width, height, data } = i420;
    const counter = watch.arrived(nowMs(), width, height, (x, y) => data[y * width + x]);
    if (this.saveFrames && this.saveFrames.left > 0 && counter >= 0 && watch.frames % this.saveFrames.every === 0) {
      this.saveFrames.left--;
      writeFileSync(`${this.saveFrames.folder}/${counter}_${width}x${height}.i420`, data);
    }
  }
}

function startVideo(source, width, height, fps) {
  const luma = width * height;
  const data = new Uint8Array((luma * 3) / 2);
  data.fill(128, luma);
  const state = { counter: 0, timer: null };
  const start = performance.now();
  const tick = () => {
    drawLuma(data.subarray(0, luma), width, height, state.counter & 0xffff);
    source.captureFrame(
      new VideoFrame(data, width, height, VideoBufferType.I420),
      BigInt(Math.floor(performance.now() * 1000)),
    );
    state.counter++;
    // Absolute schedule: a late tick does not shift the later ones.
    const next = start + (state.counter * 1000) / fps;
    state.timer = setTimeout(tick, Math.max(0, next - performance.now()));
  };
  tick();
  state.stop = () => clearTimeout(state.timer);
  return state;
}

/** A tone, or samples of a file (48 kHz, mono, 16 bits, no header) over and over. */
function startAudio(source, toneHz, file) {
  const state = { running: true, phase: 0, level: 0.3 };
  const bytes = file ? readFileSync(file) : null;
  const pcm = bytes && new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  const pump = async () => {
    while (state.running) {
      const samples = new Int16Array(480);
      for (let i = 0; i < samples.length; i++) {
        if (pcm) {
          samples[i] = pcm[state.phase];
          state.phase = (state.phase + 1) % pcm.length;
        } else {
          samples[i] = Math.sin(state.phase) * state.level * 32767;
          state.phase += (2 * Math.PI * toneHz) / 48000;
        }
      }
      await source.captureFrame(new AudioFrame(samples, 48000, 1, 480));
    }
  };
  pump().catch(() => {});
  state.stop = () => {
    state.running = false;
  };
  return state;
}

const get = (m) => {
  const client = clients.get(m.client);
  if (!client) throw new Error(`no client ${m.client}`);
  return client;
};

function remotePublication(client, sid) {
  for (const p of client.room.remoteParticipants.values()) {
    const pub = p.trackPublications.get(sid);
    if (pub) return pub;
  }
  throw new Error(`no remote track ${sid}`);
}

serve({
  async connect(m) {
    const client = new Client(m.client);
    clients.set(m.client, client);
    const options = { autoSubscribe: m.autoSubscribe ?? true, dynacast: m.dynacast ?? false };
    if (m.e2eeKey) {
      options.encryption = {
        keyProviderOptions: { sharedKey: Buffer.from(m.e2eeKey) },
        encryptionType: EncryptionType.GCM,
      };
    }
    for (const topic of m.topics ?? ['text']) {
      client.room.registerTextStreamHandler(topic, async (reader, p) => {
        const text = await reader.readAll();
        client.tell('textStream', { identity: p.identity, topic, text });
      });
      client.room.registerByteStreamHandler(topic, async (reader, p) => {
        const chunks = [];
        for await (const chunk of reader) chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        let sum = 0;
        for (const b of bytes) sum = (sum * 31 + b) >>> 0;
        client.tell('byteStream', { identity: p.identity, topic, size: bytes.length, sum });
      });
    }
    const start = performance.now();
    try {
      await client.room.connect(m.url, m.token, options);
    } catch (error) {
      clients.delete(m.client);
      throw error;
    }
    const me = client.room.localParticipant;
    return { identity: me.identity, psid: me.sid, connectMs: performance.now() - start, at: nowMs() };
  },

  async publishVideo(m) {
    const client = get(m);
    const { width = 640, height = 360, fps = 25, name = 'camera' } = m;
    const source = new VideoSource(width, height);
    const track = LocalVideoTrack.createVideoTrack(name, source);
    const options = new TrackPublishOptions({
      source: TrackSource.SOURCE_CAMERA,
      simulcast: m.simulcast ?? false,
      ...(m.codec ? { videoCodec: VideoCodec[m.codec.toUpperCase()] } : {}),
      ...(m.bitrate ? { videoEncoding: { maxBitrate: BigInt(m.bitrate), maxFramerate: fps } } : {}),
    });
    const pub = await client.room.localParticipant.publishTrack(track, options);
    const state = startVideo(source, width, height, fps);
    client.published.set(pub.sid, { track, source, state });
    return { sid: pub.sid };
  },

  async publishAudio(m) {
    const client = get(m);
    const source = new AudioSource(48000, 1, 200);
    const track = LocalAudioTrack.createAudioTrack(m.name ?? 'mic', source);
    const options = new TrackPublishOptions({
      source: TrackSource.SOURCE_MICROPHONE,
      red: m.red ?? true,
      dtx: m.dtx ?? true,
    });
    const pub = await client.room.localParticipant.publishTrack(track, options);
    const state = startAudio(source, m.toneHz ?? 440, m.file);
    client.published.set(pub.sid, { track, source, state });
    return { sid: pub.sid };
  },

  setLevel(m) {
    get(m).published.get(m.sid).state.level = m.level;
  },

  async unpublish(m) {
    const client = get(m);
    const entry = client.published.get(m.sid);
    entry.state.stop();
    await client.room.localParticipant.unpublishTrack(m.sid);
    await entry.track.close();
    client.published.delete(m.sid);
  },

  sent(m) {
    return get(m).published.get(m.sid).state.counter ?? 0;
  },
  async setMetadata(m) {
    await get(m).room.localParticipant.updateMetadata(m.metadata);
  },
  async setName(m) {
    await get(m).room.localParticipant.updateName(m.name);
  },
  async setAttributes(m) {
    await get(m).room.localParticipant.setAttributes(m.attributes);
  },
  subscribe(m) {
    remotePublication(get(m), m.sid).setSubscribed(m.on);
  },
  async sendData(m) {
    await get(m).room.localParticipant.publishData(Buffer.from(m.text), {
      reliable: m.reliable ?? true,
      topic: m.topic ?? '',
      destination_identities: m.to ?? [],
    });
  },
  async sendText(m) {
    const text = m.text ?? 'x'.repeat(m.size);
    await get(m).room.localParticipant.sendText(text, { topic: m.topic ?? 'text', destinationIdentities: m.to });
  },
  async sendBytes(m) {
    const bytes = new Uint8Array(m.size);
    let sum = 0;
    for (let i = 0; i < m.size; i++) {
      bytes[i] = (i * 7 + 3) & 255;
      sum = (sum * 31 + bytes[i]) >>> 0;
    }
    const writer = await get(m).room.localParticipant.streamBytes({
      topic: m.topic ?? 'text',
      name: 'blob',
      totalSize: m.size,
      destinationIdentities: m.to,
    });
    await writer.write(bytes);
    await writer.close();
    return { sum };
  },
  registerRpc(m) {
    get(m).room.localParticipant.registerRpcMethod(m.method, async (data) => `${m.method}:${data.payload}`);
  },
  async rpc(m) {
    return get(m).room.localParticipant.performRpc({
      destinationIdentity: m.to,
      method: m.method,
      payload: m.payload,
      responseTimeout: m.timeoutMs ?? 30_000,
    });
  },
  saveFrames(m) {
    get(m).saveFrames = { folder: m.folder, left: m.count, every: m.every ?? 5 };
  },
  saveSound(m) {
    get(m).saveSound = m.file;
  },
  reset(m) {
    for (const { watch } of get(m).watches.values()) watch.reset();
  },
  stats(m) {
    const out = {};
    for (const [sid, { watch, identity }] of get(m).watches) {
      out[sid] = { identity, ...watch.summary(nowMs()) };
    }
    return out;
  },
  late: (m) => lateness.within(m.ms),
  /** What WebRTC itself counted: {sent: {ssrc: frames}, received: {ssrc: frames put together of packets, decoded or not}}. */
  async frameCounts(m) {
    const { publisherStats, subscriberStats } = await get(m).room.getRtcStats();
    const all = [...publisherStats, ...subscriberStats].map((s) => s.stats); // one connection carries both ways, or two
    const video = (name) => all.filter((s) => s.case === name && s.value.stream.kind === 'video').map((s) => s.value);
    const outbound = video('outboundRtp');
    const inbound = video('inboundRtp');
    return {
      sent: Object.fromEntries(outbound.map((v) => [v.stream.ssrc, v.outbound.framesSent])),
      received: Object.fromEntries(inbound.map((v) => [v.stream.ssrc, v.inbound.framesReceived])),
    };
  },
  participants(m) {
    const out = {};
    for (const p of get(m).room.remoteParticipants.values()) {
      out[p.identity] = {
        psid: p.sid,
        name: p.name,
        metadata: p.metadata,
        attributes: p.attributes,
        tracks: [...p.trackPublications.values()].map((t) => ({ sid: t.sid, kind: kindName(t.kind), muted: t.muted })),
      };
    }
    return out;
  },
  async disconnect(m) {
    const client = get(m);
    for (const { state } of client.published.values()) state.stop();
    await client.room.disconnect();
    for (const { track } of client.published.values()) await track.close();
    clients.delete(m.client);
  },
  exit() {
    setTimeout(() => process.exit(0), 50);
  },
});
// The SDK throws into its event loop when a stream's sender goes; the test judges, not the process.
process.on('uncaughtException', (error) => process.stderr.write(`uncaught: ${error?.stack ?? error}\n`));
emit({ event: 'ready', client: '' });
