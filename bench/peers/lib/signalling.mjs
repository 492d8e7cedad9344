// SPDX-License-Identifier: Apache-2.0
// The part of LiveKit's signalling (v0: two peer connections) that a publisher and a subscriber need, in
// front of any media backend. A backend is an object with
//
//   needsMedia            true when its subscriber connection cannot be offered before there is a track
//   room(name)            -> an opaque room of the backend (a promise is fine)
//   endpoint(room, who)   -> one participant's two connections:
//     publish(sdp, tracks)   -> {sdp, published: [{cid, handle, ready}]}; handle is given back in subscribe()
//                            once the promise `ready` (if any) is kept
//     subscribe(items)       -> sdp of an offer with one more section for each {handle, msid, kind, sid}
//     answer(sdp)            the client's answer to that offer
//     settings(sid, {disabled, quality, height, width})
//     unsubscribe(sids), trickle(target, candidate), close()
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import {
  JoinResponse,
  ParticipantInfo_State,
  SignalRequest,
  SignalResponse,
  SignalTarget,
  TrackInfo,
  TrackSource,
  TrackType,
} from '@livekit/protocol';
import { WebSocketServer } from 'ws';

const VERSION = '1.9.0'; // SDKs choose features by it
const PING_INTERVAL_S = 5;
const PING_TIMEOUT_S = 15;

const sidOf = (prefix) => prefix + randomBytes(9).toString('base64url').replace(/[-_]/g, 'x');

/** The claims of a join token signed with HS256 by `keys[iss]`, or null. */
function claimsOf(token, keys) {
  const [head, body, signature] = (token ?? '').split('.');
  if (!signature) return null;
  const claims = JSON.parse(Buffer.from(body, 'base64url'));
  const wanted = createHmac('sha256', keys[claims.iss] ?? randomBytes(32)).update(`${head}.${body}`).digest();
  const given = Buffer.from(signature, 'base64url');
  return given.length === wanted.length && timingSafeEqual(given, wanted) ? claims : null;
}

class Room {
  constructor(name, media) {
    this.name = name;
    this.sid = sidOf('RM_');
    this.media = media;
    this.participants = new Map(); // sid -> Participant
  }

  info() {
    return { sid: this.sid, name: this.name, creationTime: BigInt(Math.floor(Date.now() / 1000)) };
  }

  tracks() {
    return [...this.participants.values()].flatMap((p) => [...p.tracks.values()].filter((t) => t.handle));
  }
}

class Participant {
  constructor(room, claims, socket, backend) {
    this.room = room;
    this.socket = socket;
    this.backend = backend;
    this.identity = claims.sub;
    this.sid = sidOf('PA_');
    this.grants = claims.video ?? {};
    this.tracks = new Map(); // sid -> {info, cid, handle, owner}
    this.subscribed = new Set(); // track sids, once they are in an offer
    this.wanted = new Map(); // track sid -> track, until the next offer
    this.autoSubscribe = true;
    this.offering = null; // resolves when the client has answered
    this.work = Promise.resolve(); // publisher side, in order
    this.version = 0;
    this.closed = false;
  }

  send(name, value) {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.socket.send(new SignalResponse({ message: { case: name, value } }).toBinary());
  }

  info(state = ParticipantInfo_State.ACTIVE) {
    return {
      sid: this.sid,
      identity: this.identity,
      name: this.identity,
      state,
      version: ++this.version,
      isPublisher: this.tracks.size > 0,
      tracks: [...this.tracks.values()].map((t) => t.info),
      permission: { canPublish: true, canSubscribe: true, canPublishData: true },
    };
  }

  others() {
    return [...this.room.participants.values()].filter((p) => p !== this);
  }

  /** To those who would not learn of it otherwise: everybody else. */
  announce(state) {
    const update = { participants: [this.info(state)] };
    for (const other of this.others()) other.send('update', update);
  }

  async join() {
    const sees = this.grants.canSubscribe !== false;
    const primary = sees && (!this.backend.needsMedia || this.room.tracks().length > 0);
    this.send('join', new JoinResponse({
      room: this.room.info(),
      participant: this.info(),
      // A room of hundreds of silent ones would only measure this program's JSON of them.
      otherParticipants: this.others().filter((p) => p.tracks.size > 0).map((p) => p.info()),
      serverVersion: VERSION,
      serverInfo: { version: VERSION, protocol: 16 },
      subscriberPrimary: primary,
      fastPublish: false,
      pingInterval: PING_INTERVAL_S,
      pingTimeout: PING_TIMEOUT_S,
      enabledPublishCodecs: [{ mime: 'video/VP8' }, { mime: 'audio/opus' }, { mime: 'video/H264' }],
    }));
    this.media = await this.backend.endpoint(this.room.media, this);
    if (this.closed) return this.media.close();
    if (!sees) return;
    if (this.autoSubscribe) for (const track of this.room.tracks()) this.wanted.set(track.info.sid, track);
    if (primary) this.negotiate(true);
  }

  /** Offers what is wanted and not offered yet, one offer at a time. */
  async negotiate(evenEmpty = false) {
    if (this.offering || !this.media || this.closed || (!this.wanted.size && !evenEmpty)) return;
    const tracks = [...this.wanted.values()].filter((t) => t.handle && t.owner !== this);
    this.wanted.clear();
    if (!tracks.length && !evenEmpty) return;
    let done;
    this.offering = new Promise((resolve) => (done = resolve));
    this.offering.done = done;
    for (const track of tracks) this.subscribed.add(track.info.sid);
    const sdp = await this.media.subscribe(
      tracks.map((t) => ({
        handle: t.handle,
        sid: t.info.sid,
        kind: t.info.type === TrackType.VIDEO ? 'video' : 'audio',
        msid: `${t.owner.sid}|${t.info.sid} ${t.info.sid}`,
      })),
    );
    if (!sdp) return this.answered();
    this.send('offer', { type: 'offer', sdp });
    this.sendCandidates(sdp, SignalTarget.SUBSCRIBER);
    await this.offering;
    this.negotiate();
  }

  answered() {
    const offering = this.offering;
    this.offering = null;
    offering?.done();
  }

  /** The candidates are in the SDP too; some clients read only one of the two places. */
  sendCandidates(sdp, target) {
    const seen = new Set();
    for (const [, candidate] of sdp.matchAll(/^a=(candidate:.*?)\r?$/gm)) {
      if (seen.has(candidate)) continue;
      seen.add(candidate);
      const init = { candidate, sdpMid: sdp.match(/^a=mid:(\S+)/m)[1], sdpMLineIndex: 0 };
      this.send('trickle', { candidateInit: JSON.stringify(init), target });
    }
  }

  addTrack(request) {
    const video = request.type === TrackType.VIDEO;
    const sid = sidOf(video ? 'TR_VC' : 'TR_AM');
    const codec = request.simulcastCodecs[0]?.codec || (video ? 'vp8' : 'opus');
    const info = new TrackInfo({
      sid,
      type: request.type,
      source: request.source || (video ? TrackSource.CAMERA : TrackSource.MICROPHONE),
      name: request.name,
      width: request.width,
      height: request.height,
      layers: request.layers,
      simulcast: request.layers.length > 1,
      mimeType: `${video ? 'video' : 'audio'}/${codec}`,
      codecs: [{ mimeType: `${video ? 'video' : 'audio'}/${codec}`, cid: request.cid, layers: request.layers }],
      stream: 'camera',
      muted: request.muted,
      disableRed: true,
    });
    this.tracks.set(sid, { info, cid: request.cid, handle: null, owner: this });
    this.send('trackPublished', { cid: request.cid, track: info });
  }

  async publisherOffer(offer) {
    const waiting = [...this.tracks.values()].filter((t) => !t.handle);
    const { sdp, published } = await this.media.publish(
      offer.sdp,
      waiting.map((t) => ({ cid: t.cid, kind: t.info.type === TrackType.VIDEO ? 'video' : 'audio' })),
    );
    this.send('answer', { type: 'answer', sdp, id: offer.id });
    this.sendCandidates(sdp, SignalTarget.PUBLISHER);
    await Promise.all(published.map((p) => p.ready));
    const ready = [];
    for (const { cid, handle } of published) {
      const track = waiting.find((t) => t.cid === cid && !t.handle);
      if (!track) continue;
      track.handle = handle;
      ready.push(track);
    }
    if (!ready.length) return;
    this.send('update', { participants: [this.info()] });
    this.announce();
    for (const other of this.others()) {
      if (!other.autoSubscribe || other.grants.canSubscribe === false) continue;
      for (const track of ready) other.wanted.set(track.info.sid, track);
      other.negotiate();
    }
  }

  subscription({ trackSids, subscribe }) {
    if (!subscribe) {
      const gone = trackSids.filter((sid) => this.subscribed.delete(sid));
      for (const sid of trackSids) this.wanted.delete(sid);
      return this.media?.unsubscribe(gone);
    }
    for (const track of this.room.tracks()) {
      const sid = track.info.sid;
      if (trackSids.includes(sid) && !this.subscribed.has(sid)) this.wanted.set(sid, track);
    }
    return this.negotiate();
  }

  mute({ sid, muted }) {
    const track = this.tracks.get(sid);
    if (!track) return;
    track.info.muted = muted;
    this.announce();
  }

  inOrder(step) {
    this.work = this.work.then(step).catch((error) => this.fail(error));
  }

  fail(error) {
    if (this.closed) return;
    console.error(`${this.identity}: ${error.stack ?? error}`);
    this.socket.close(1011, 'media backend');
  }

  async handle(request) {
    const { case: name, value } = request.message;
    switch (name) {
      case 'offer': return this.inOrder(() => this.publisherOffer(value));
      case 'answer':
        await this.media.answer(value.sdp);
        return this.answered();
      case 'trickle': return this.media?.trickle(value.target, JSON.parse(value.candidateInit || '{}'), value.final);
      case 'addTrack': return this.addTrack(value);
      case 'mute': return this.mute(value);
      case 'subscription': return this.subscription(value);
      case 'trackSetting':
        for (const sid of value.trackSids) this.media?.settings(sid, value);
        return;
      case 'ping': return this.send('pong', BigInt(Date.now()));
      case 'pingReq':
        this.send('pong', BigInt(Date.now()));
        return this.send('pongResp', { lastPingTimestamp: value.timestamp, timestamp: BigInt(Date.now()) });
      case 'leave': return this.socket.close(1000);
      default: // the rest has no part in forwarding media
    }
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.room.participants.delete(this.sid);
    if (this.tracks.size) {
      this.announce(ParticipantInfo_State.DISCONNECTED);
      const sids = [...this.tracks.keys()];
      for (const other of this.others()) other.media?.unsubscribe(sids.filter((s) => other.subscribed.delete(s)));
    }
    this.answered();
    this.media?.close();
  }
}

/** Serves `backend` on 127.0.0.1:port; keys is {apiKey: secret}. */
export function serve(backend, port, keys) {
  const rooms = new Map();
  const token = (request, url) =>
    request.headers.authorization?.replace(/^Bearer /, '') ?? url.searchParams.get('access_token');
  const http = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (url.pathname === '/') return response.end('OK');
    const valid = url.pathname === '/rtc/validate' && claimsOf(token(request, url), keys);
    response.writeHead(valid ? 200 : 404, { 'Access-Control-Allow-Origin': '*' });
    return response.end(valid ? 'success' : '404 page not found\n');
  });
  const websockets = new WebSocketServer({ noServer: true });
  http.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url, 'http://localhost');
    const claims = claimsOf(token(request, url), keys);
    const status = url.pathname !== '/rtc' ? '404 Not Found' : claims?.video?.roomJoin ? '' : '401 Unauthorized';
    if (status) return socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    return websockets.handleUpgrade(request, socket, head, (ws) => welcome(ws, claims, url));
  });
  async function welcome(ws, claims, url) {
    const name = claims.video.room;
    const early = []; // what arrives while the room is being made
    let participant = null;
    const take = (data, binary) => {
      const request = binary ? SignalRequest.fromBinary(data) : SignalRequest.fromJsonString(data.toString());
      Promise.resolve(participant.handle(request)).catch((error) => participant.fail(error));
    };
    ws.on('message', (data, binary) => (participant ? take(data, binary) : early.push([data, binary])));
    ws.on('close', () => participant?.close());
    ws.on('error', () => ws.terminate());
    if (!rooms.has(name)) rooms.set(name, Promise.resolve(backend.room(name)).then((media) => new Room(name, media)));
    const room = await rooms.get(name);
    if (ws.readyState !== ws.OPEN) return;
    const created = new Participant(room, claims, ws, backend);
    created.autoSubscribe = url.searchParams.get('auto_subscribe') !== '0';
    room.participants.set(created.sid, created);
    participant = created;
    try {
      await created.join();
      early.forEach(([data, binary]) => take(data, binary));
    } catch (error) {
      created.fail(error);
    }
  }
  return new Promise((resolve) => http.listen(port, '127.0.0.1', () => resolve(http)));
}

/** Stops cleanly on SIGTERM, SIGINT and when whoever started us is gone. */
export function untilStopped(stop) {
  let stopping = false;
  const once = async () => {
    if (stopping) return;
    stopping = true;
    await stop();
    process.exit(0);
  };
  process.on('SIGTERM', once);
  process.on('SIGINT', once);
  process.stdin.on('end', once).on('error', once).resume();
}

/** `--name value` pairs of the command line over defaults. */
export function options(defaults) {
  const out = { ...defaults };
  const words = process.argv.slice(2);
  for (let i = 0; i < words.length; i += 2) {
    const name = words[i].replace(/^--/, '');
    if (!(name in defaults) || i + 1 >= words.length) throw new Error(`unknown option ${words[i]}`);
    out[name] = words[i + 1];
  }
  return out;
}
