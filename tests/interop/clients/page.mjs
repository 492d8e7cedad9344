// SPDX-License-Identifier: Apache-2.0
// Runs inside the browser: any number of livekit-client rooms in one page, commands as functions of window.driver.
import {
  ConnectionState,
  ExternalE2EEKeyProvider,
  LocalAudioTrack,
  LocalVideoTrack,
  Room,
  RoomEvent,
  Track,
} from 'livekit-client';
import { whipCommands } from './whip.mjs';
import { AudioWatch, VideoWatch, drawLuma } from './pattern.mjs';

const nowMs = () => performance.timeOrigin + performance.now();
const clients = new Map();
let audio; // one AudioContext for all
const audioContext = () => (audio ??= new AudioContext({ sampleRate: 48000 }));

/** False where WebAudio has no device to run on (Firefox without a sound card). */
let contextRuns;
function webAudioRuns() {
  contextRuns ??= Promise.race([
    audioContext().resume().then(() => true),
    new Promise((resolve) => setTimeout(() => resolve(false), 3000)),
  ]);
  return contextRuns;
}

/** Listens through the receiver's statistics, where WebAudio does not run. */
class StatsWatch {
  constructor() {
    this.reset();
  }
  reset() {
    this.last = null;
    this.seconds = 0;
    this.loudSeconds = 0;
    this.frames = 0;
  }
  async poll(track) {
    const report = (await track.getRTCStatsReport()) ?? new Map();
    const now = [...report.values()].find((s) => s.type === 'inbound-rtp');
    if (!now) return;
    if (this.last) {
      const seconds = (now.totalSamplesDuration ?? 0) - (this.last.totalSamplesDuration ?? 0);
      const energy = (now.totalAudioEnergy ?? 0) - (this.last.totalAudioEnergy ?? 0);
      this.frames += (now.packetsReceived ?? 0) - (this.last.packetsReceived ?? 0);
      this.seconds += seconds;
      if (seconds > 0 && energy / seconds > 0.0004) this.loudSeconds += seconds;
    }
    this.last = now;
  }
  summary() {
    const { frames, seconds, loudSeconds } = this;
    return { kind: 'audio', frames, seconds, loudSeconds, maxSilentMs: 0, toneHz: 0, beeps: [] };
  }
}

function listen(track, watch) {
  const element = new Audio();
  element.srcObject = new MediaStream([track.mediaStreamTrack]);
  element.play().catch(() => {});
  const timer = setInterval(() => watch.poll(track).catch(() => {}), 200);
  return () => {
    clearInterval(timer);
    element.srcObject = null;
  };
}

// A worklet hands over 20 ms pieces: timers and AnalyserNode would miss or repeat some.
const TAP = `
registerProcessor('tap', class extends AudioWorkletProcessor {
  constructor() { super(); this.have = 0; this.part = new Float32Array(960); }
  process([input]) {
    const data = input[0];
    for (let i = 0; i < 128; i++) {
      this.part[this.have++] = data ? data[i] : 0;
      if (this.have === 960) { this.port.postMessage(this.part.slice()); this.have = 0; }
    }
    return true;
  }
});`;
let worklet;
async function tap(mediaTrack, watch) {
  const context = audioContext();
  await webAudioRuns();
  worklet ??= context.audioWorklet.addModule(URL.createObjectURL(new Blob([TAP], { type: 'text/javascript' })));
  await worklet;
  // Chromium feeds WebAudio from a remote track only while some element plays that track.
  const element = new Audio();
  element.srcObject = new MediaStream([mediaTrack]);
  element.muted = true;
  element.play().catch(() => {});
  const source = context.createMediaStreamSource(new MediaStream([mediaTrack]));
  const node = new AudioWorkletNode(context, 'tap');
  node.port.onmessage = (e) => watch.arrived(nowMs(), e.data, 48000);
  source.connect(node);
  node.connect(context.destination);
  return () => {
    source.disconnect();
    node.disconnect();
    element.srcObject = null;
  };
}

/** Shows a track in a video element and reports each presented frame. */
function look(mediaTrack, watch, onFrame) {
  const video = document.createElement('video');
  video.muted = true;
  video.autoplay = true;
  video.playsInline = true;
  video.width = 160;
  video.srcObject = new MediaStream([mediaTrack]);
  document.body.append(video);
  const canvas = new OffscreenCanvas(64, 64);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  let running = true;
  const step = (_, meta) => {
    if (!running) return;
    const [w, h] = [video.videoWidth, video.videoHeight];
    if (w && h) {
      // 64 x 64 keeps every block of the strip and costs little to read back.
      context.drawImage(video, 0, 0, 64, 64);
      const { data } = context.getImageData(0, 0, 64, 64);
      const luma = (x, y) => {
        const at = (Math.floor((y * 64) / h) * 64 + Math.floor((x * 64) / w)) * 4;
        return 0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2];
      };
      watch.arrived(nowMs(), w, h, luma);
      onFrame?.(video, meta);
    }
    video.requestVideoFrameCallback(step);
  };
  video.requestVideoFrameCallback(step);
  video.play().catch(() => {});
  return () => {
    running = false;
    video.srcObject = null;
    video.remove();
  };
}

/** Grain below the counter, other each time: it takes all the rate that an encoder has. */
function grain(luma, width, height, strength) {
  const from = width * (height >> 2);
  for (let i = from; i < luma.length; i++) luma[i] = Math.min(235, Math.max(16, luma[i] + (Math.random() - 0.5) * strength));
}

function canvasTrack(width, height, fps, noise = 0) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { alpha: false });
  const luma = new Uint8Array(width * height);
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const state = { counter: 0 };
  const stream = canvas.captureStream(0);
  const track = stream.getVideoTracks()[0];
  const start = performance.now();
  const tick = () => {
    drawLuma(luma, width, height, state.counter & 0xffff);
    if (noise) grain(luma, width, height, noise);
    for (let i = 0; i < luma.length; i++) pixels[i] = 0xff000000 | (luma[i] * 0x010101);
    context.putImageData(image, 0, 0);
    if (track.requestFrame) track.requestFrame();
    else stream.requestFrame();
    state.counter++;
    state.timer = setTimeout(tick, Math.max(0, start + (state.counter * 1000) / fps - performance.now()));
  };
  tick();
  state.stop = () => clearTimeout(state.timer);
  return { track, state };
}

async function toneTrack(toneHz) {
  const context = audioContext();
  if (!(await webAudioRuns())) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const [track] = stream.getAudioTracks();
    return { track, state: { counter: 0, stop: () => track.stop() } };
  }
  const oscillator = context.createOscillator();
  oscillator.frequency.value = toneHz;
  const gain = context.createGain();
  gain.gain.value = 0.3;
  const sink = context.createMediaStreamDestination();
  oscillator.connect(gain).connect(sink);
  oscillator.start();
  const state = {
    counter: 0,
    stop: () => oscillator.stop(),
    set level(value) {
      gain.gain.value = value;
    },
  };
  return { track: sink.stream.getAudioTracks()[0], state };
}

class Client {
  constructor(name, m) {
    this.name = name;
    this.watches = new Map();
    this.published = new Map();
    const options = {
      singlePeerConnection: m.singlePc ?? true,
      adaptiveStream: m.adaptiveStream ?? false,
      dynacast: m.dynacast ?? false,
    };
    if (m.e2eeKey) {
      this.keys = new ExternalE2EEKeyProvider();
      options.encryption = { keyProvider: this.keys, worker: new Worker('e2ee-worker.js') };
    }
    this.room = new Room(options);
    this.listen();
  }

  tell(event, fields = {}) {
    window.report({ event, client: this.name, at: nowMs(), ...fields });
  }

  listen() {
    const who = (p) => ({ identity: p?.identity ?? '', psid: p?.sid ?? '' });
    const decode = (payload) => new TextDecoder().decode(payload);
    this.room
      .on(RoomEvent.ParticipantConnected, (p) => this.tell('participantConnected', { ...who(p), name: p.name ?? '' }))
      .on(RoomEvent.ParticipantDisconnected, (p) => this.tell('participantDisconnected', who(p)))
      .on(RoomEvent.TrackPublished, (pub, p) =>
        this.tell('trackPublished', { ...who(p), sid: pub.trackSid, kind: pub.kind }),
      )
      .on(RoomEvent.TrackUnpublished, (pub, p) => this.tell('trackUnpublished', { ...who(p), sid: pub.trackSid }))
      .on(RoomEvent.TrackSubscribed, (track, pub, p) => {
        this.watch(track, pub, p.identity);
        this.tell('trackSubscribed', {
          ...who(p),
          sid: pub.trackSid,
          kind: pub.kind,
          mime: pub.mimeType ?? '',
          encryption: pub.isEncrypted ? 1 : 0,
        });
      })
      .on(RoomEvent.TrackUnsubscribed, (track, pub, p) => {
        const watched = this.watches.get(pub.trackSid);
        if (watched) watched.stop?.();
        this.tell('trackUnsubscribed', { ...who(p), sid: pub.trackSid });
      })
      .on(RoomEvent.TrackMuted, (pub, p) => this.tell('trackMuted', { ...who(p), sid: pub.trackSid }))
      .on(RoomEvent.TrackUnmuted, (pub, p) => this.tell('trackUnmuted', { ...who(p), sid: pub.trackSid }))
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
      .on(RoomEvent.TrackSubscriptionPermissionChanged, (pub, status, p) =>
        this.tell('permissionChanged', { ...who(p), sid: pub.trackSid, status }),
      )
      .on(RoomEvent.DataReceived, (payload, p, kind, topic) =>
        this.tell('dataReceived', { ...who(p), text: decode(payload), reliable: kind === 0, topic: topic ?? '' }),
      )
      .on(RoomEvent.EncryptionError, (error) => this.tell('encryptionError', { message: String(error) }))
      .on(RoomEvent.LocalTrackSubscribed, (pub) => this.tell('localTrackSubscribed', { sid: pub.trackSid }))
      .on(RoomEvent.Reconnecting, () => this.tell('reconnecting'))
      .on(RoomEvent.SignalReconnecting, () => this.tell('signalReconnecting'))
      .on(RoomEvent.Reconnected, () => this.tell('reconnected'))
      .on(RoomEvent.Disconnected, (reason) => this.tell('disconnected', { reason: reason ?? -1 }));
  }

  watch(track, pub, identity) {
    const before = this.watches.get(pub.trackSid);
    before?.stop?.();
    const video = track.kind === Track.Kind.Video;
    const entry = { watch: video ? new VideoWatch() : new AudioWatch(), identity, track, stop: null };
    this.watches.set(pub.trackSid, entry);
    if (video) {
      entry.stop = look(track.mediaStreamTrack, entry.watch);
      return;
    }
    webAudioRuns().then(async (runs) => {
      if (!runs) entry.watch = new StatsWatch();
      entry.stop = runs ? await tap(track.mediaStreamTrack, entry.watch) : listen(track, entry.watch);
    });
  }
}

const get = (m) => {
  const client = clients.get(m.client);
  if (!client) throw new Error(`no client ${m.client}`);
  return client;
};

function remotePublication(client, sid) {
  for (const p of client.room.remoteParticipants.values()) {
    for (const pub of p.trackPublications.values()) if (pub.trackSid === sid) return pub;
  }
  throw new Error(`no remote track ${sid}`);
}

let restoreTransceivers;

async function publish(client, track, state, options) {
  const pub = await client.room.localParticipant.publishTrack(track, options);
  client.published.set(pub.trackSid, { pub, state });
  return { sid: pub.trackSid };
}

/** A browser that cannot decode some codecs: sections to receive on do not offer them. */
function receiveWithout(codecs) {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function addTransceiver(kind, init) {
    const transceiver = add.call(this, kind, init);
    if (kind === 'video' && init?.direction === 'recvonly') {
      const all = RTCRtpReceiver.getCapabilities('video').codecs;
      transceiver.setCodecPreferences(all.filter((c) => !codecs.includes(c.mimeType)));
    }
    return transceiver;
  };
  return () => {
    RTCPeerConnection.prototype.addTransceiver = add;
  };
}

window.driver = {
  async connect(m) {
    restoreTransceivers?.();
    restoreTransceivers = m.receiveWithout ? receiveWithout(m.receiveWithout) : undefined;
    const client = new Client(m.client, m);
    clients.set(m.client, client);
    if (m.e2eeKey) {
      await client.keys.setKey(m.e2eeKey);
      await client.room.setE2EEEnabled(true);
    }
    for (const topic of m.topics ?? ['text']) {
      client.room.registerTextStreamHandler(topic, async (reader, p) => {
        client.tell('textStream', { identity: p.identity, topic, text: await reader.readAll() });
      });
      client.room.registerByteStreamHandler(topic, async (reader, p) => {
        let sum = 0;
        let size = 0;
        for (const chunk of await reader.readAll()) {
          for (const b of chunk) sum = (sum * 31 + b) >>> 0;
          size += chunk.length;
        }
        client.tell('byteStream', { identity: p.identity, topic, size, sum });
      });
    }
    const start = performance.now();
    try {
      await client.room.connect(m.url, m.token, { autoSubscribe: m.autoSubscribe ?? true });
    } catch (error) {
      clients.delete(m.client);
      throw error;
    }
    const me = client.room.localParticipant;
    return { identity: me.identity, psid: me.sid, connectMs: performance.now() - start, at: nowMs() };
  },
  async publishVideo(m) {
    const { width = 640, height = 360, fps = 20 } = m;
    const { track, state } = canvasTrack(width, height, fps, m.noise);
    return publish(get(m), track, state, {
      source: Track.Source.Camera,
      name: m.name ?? 'camera',
      simulcast: m.simulcast ?? false,
      ...(m.codec ? { videoCodec: m.codec, backupCodec: m.backupCodec ?? false } : {}),
      ...(m.scalabilityMode ? { scalabilityMode: m.scalabilityMode } : {}),
      ...(m.bitrate ? { videoEncoding: { maxBitrate: m.bitrate, maxFramerate: fps } } : {}),
    });
  },
  async publishAudio(m) {
    const { track, state } = await toneTrack(m.toneHz ?? 440);
    return publish(get(m), track, state, {
      source: Track.Source.Microphone,
      name: m.name ?? 'mic',
      red: m.red ?? true,
      dtx: m.dtx ?? true,
    });
  },
  /** The (fake) camera and microphone of the browser, watched locally too: what was sent, and when. */
  async publishDevices(m) {
    const client = get(m);
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { width: m.width, height: m.height, frameRate: 30 },
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const [camera] = stream.getVideoTracks();
    const [mic] = stream.getAudioTracks();
    client.local = { video: new VideoWatch(), audio: new AudioWatch() };
    look(camera, client.local.video);
    await tap(mic, client.local.audio);
    const state = { counter: 0, stop: () => stream.getTracks().forEach((t) => t.stop()) };
    const options = { simulcast: false, videoEncoding: { maxBitrate: 1_500_000, maxFramerate: 30 } };
    const video = await publish(client, camera, state, { source: Track.Source.Camera, ...options });
    const sound = await publish(client, mic, state, { source: Track.Source.Microphone, dtx: false });
    return { video: video.sid, audio: sound.sid };
  },
  localStats(m) {
    const { video, audio: sound } = get(m).local;
    return { video: video.summary(nowMs()), audio: sound.summary() };
  },
  setLevel(m) {
    get(m).published.get(m.sid).state.level = m.level;
  },
  /** Plays a file (base64) to its end or for some seconds: what a viewer of it would get. */
  async playFile(m) {
    const bytes = Uint8Array.from(atob(m.data), (c) => c.charCodeAt(0));
    const element = document.createElement('video');
    element.src = URL.createObjectURL(new Blob([bytes], { type: m.type }));
    element.volume = 0.01;
    element.playbackRate = m.rate ?? 2;
    document.body.append(element);
    await new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`stuck at ${element.currentTime} s`)), (m.timeout ?? 20) * 1000);
      const done = () => (clearTimeout(limit), resolve());
      element.onended = done;
      element.ontimeupdate = () => element.currentTime >= (m.seconds ?? Infinity) && done();
      element.onerror = () => (clearTimeout(limit), reject(new Error(element.error?.message || 'media error')));
      element.play().catch(reject);
    });
    const answer = {
      time: element.currentTime,
      duration: Number.isFinite(element.duration) ? element.duration : -1,
      width: element.videoWidth,
      height: element.videoHeight,
      frames: element.getVideoPlaybackQuality().totalVideoFrames,
      audioBytes: element.webkitAudioDecodedByteCount ?? -1,
    };
    element.remove();
    URL.revokeObjectURL(element.src);
    return answer;
  },
  async mute(m) {
    const { pub } = get(m).published.get(m.sid);
    await (m.on ? pub.mute() : pub.unmute());
  },
  async unpublish(m) {
    const client = get(m);
    const { pub, state } = client.published.get(m.sid);
    await client.room.localParticipant.unpublishTrack(pub.track);
    state.stop();
    client.published.delete(m.sid);
  },
  sent: (m) => get(m).published.get(m.sid).state.counter,
  /** A request as a page makes it: to another origin, so the server has to allow it. */
  async rest(m) {
    const answer = await fetch(m.url, { method: m.method, headers: { Authorization: `Bearer ${m.token}` }, body: m.body });
    return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') };
  },
  setMetadata: (m) => get(m).room.localParticipant.setMetadata(m.metadata),
  setName: (m) => get(m).room.localParticipant.setName(m.name),
  setAttributes: (m) => get(m).room.localParticipant.setAttributes(m.attributes),
  setPermission(m) {
    get(m).room.localParticipant.setTrackSubscriptionPermissions(
      m.all,
      (m.identities ?? []).map((participantIdentity) => ({ participantIdentity, allowAll: true })),
    );
  },
  subscribe(m) {
    remotePublication(get(m), m.sid).setSubscribed(m.on);
  },
  setQuality(m) {
    remotePublication(get(m), m.sid).setVideoQuality(m.quality);
  },
  /** What is sent of a local video: one entry per layer and codec. */
  async sentLayers(m) {
    const { pub } = get(m).published.get(m.sid);
    const senders = [pub.track.sender, ...[...(pub.track.simulcastCodecs?.values() ?? [])].map((c) => c.sender)];
    const out = [];
    for (const sender of senders.filter(Boolean)) {
      const all = [...(await sender.getStats()).values()];
      for (const s of all.filter((x) => x.type === 'outbound-rtp')) {
        const mimeType = all.find((c) => c.id === s.codecId)?.mimeType;
        out.push({ rid: s.rid ?? '', active: s.active, bytes: s.bytesSent, lines: s.frameHeight, mimeType,
          limited: s.qualityLimitationReason, target: s.targetBitrate });
      }
    }
    return out;
  },
  /** Goes on sending with another codec of the section (another payload type, the same SSRC). */
  async switchCodec(m) {
    const { sender } = get(m).published.get(m.sid).pub.track;
    const parameters = sender.getParameters();
    const codec = parameters.codecs.find((c) => c.mimeType === m.codec);
    for (const encoding of parameters.encodings) encoding.codec = codec;
    await sender.setParameters(parameters);
  },
  setEnabled(m) {
    remotePublication(get(m), m.sid).setEnabled(m.on);
  },
  sendData: (m) =>
    get(m).room.localParticipant.publishData(new TextEncoder().encode(m.text), {
      reliable: m.reliable ?? true,
      topic: m.topic,
      destinationIdentities: m.to,
    }),
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
    get(m).room.registerRpcMethod(m.method, async (data) => `${m.method}:${data.payload}`);
  },
  rpc: (m) =>
    get(m).room.localParticipant.performRpc({
      destinationIdentity: m.to,
      method: m.method,
      payload: m.payload,
      responseTimeout: m.timeoutMs ?? 8000,
    }),
  simulate: (m) => get(m).room.simulateScenario(m.scenario),
  reset(m) {
    for (const { watch } of get(m).watches.values()) watch.reset();
  },
  stats(m) {
    const out = {};
    for (const [sid, { watch, identity }] of get(m).watches) out[sid] = { identity, ...watch.summary(nowMs()) };
    return out;
  },
  /** The receiver's own view (RTCRtpReceiver.getStats): loss, NACKs, freezes, codec. */
  async rtcStats(m) {
    const { track } = get(m).watches.get(m.sid);
    const report = await track.getRTCStatsReport();
    const all = [...report.values()];
    const inbound = all.find((s) => s.type === 'inbound-rtp');
    const codec = all.find((s) => s.id === inbound?.codecId);
    return { ...inbound, mimeType: codec?.mimeType, payloadType: codec?.payloadType };
  },
  /** What the server said last of the connection that carries subscriptions. */
  serverSdp(m) {
    const { publisher, subscriber } = get(m).room.engine.pcManager;
    return (subscriber?.getRemoteDescription() ?? publisher.getRemoteDescription())?.sdp ?? '';
  },
  participants(m) {
    const out = {};
    for (const p of get(m).room.remoteParticipants.values()) {
      out[p.identity] = {
        psid: p.sid,
        name: p.name ?? '',
        metadata: p.metadata ?? '',
        attributes: p.attributes,
        tracks: [...p.trackPublications.values()].map((t) => ({ sid: t.trackSid, kind: t.kind, muted: t.isMuted })),
      };
    }
    return out;
  },
  async disconnect(m) {
    const client = get(m);
    clients.delete(m.client);
    for (const { state } of client.published.values()) state.stop();
    for (const { stop } of client.watches.values()) stop?.();
    if (client.room.state !== ConnectionState.Disconnected) await client.room.disconnect();
  },
};
Object.assign(window.driver, whipCommands({ canvasTrack, toneTrack, look, watch: () => new VideoWatch(), clients }));
