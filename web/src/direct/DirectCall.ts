// SPDX-License-Identifier: Apache-2.0
// Decides whether media of this call goes from browser to browser, and takes it there and back. Each side shows what comes
// by the server until what comes directly is there, and the other way round, so that nothing is missing in between.
import { ConnectionState, RoomEvent, type RemoteParticipant, type Room } from 'livekit-client';
import { Exchange } from './Exchange';
import { Link, type Flows } from './Link';
import { reasonIn } from './circumstances';
import { Quiet, TICK_MS } from './quiet';
import { ServerSound } from './ServerSound';
import { isPicture, SOURCES, type Message, type Reason, type Source } from './words';

const CONNECT_MS = 20_000;
const LINGER_MS = 4000; // that the direct way stays for the other, who does not say that it can go
const BACK_MS = 20_000; // that it stays for us, while the server sends nothing
const RETRY_MS = [5000, 15_000, 60_000];
const LOUD = 0.02;
const LOUD_MS = 600;

/** What the page shows of it. */
export interface DirectView {
  mine: boolean;
  reason: Reason;
  phase: 'server' | 'trying' | 'direct' | 'leaving';
  /** Whose tracks these are, '' = nobody's. */
  identity: string;
  tracks: ReadonlyMap<Source, MediaStreamTrack>;
  /** What is shown and heard instead of the server's. */
  proven: ReadonlySet<Source>;
  speaks: boolean;
}

const NOTHING = {
  identity: '',
  tracks: new Map<Source, MediaStreamTrack>(),
  proven: new Set<Source>(),
  speaks: false,
};

export class DirectCall {
  view: DirectView = { mine: false, reason: 'off', phase: 'server', ...NOTHING };
  flows: Flows = new Map();
  #watchers = new Set<() => void>();
  #link: Link | null = null;
  #quiet = new Quiet();
  #since = 0;
  #theyLeft = false;
  #said = '';
  #failures = 0;
  #tryAt = 0;
  #loudAt = 0;
  #lookedAt = 0;
  readonly #exchange: Exchange;
  readonly #sound: ServerSound;

  constructor(
    private readonly room: Room,
    private readonly encrypted: boolean,
  ) {
    this.#exchange = new Exchange(room);
    this.#sound = new ServerSound(room);
  }

  watch = (watcher: () => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Until what it gives is called. */
  run(): () => void {
    const look = () => void this.#look().catch(() => this.#fail());
    const events = [
      RoomEvent.ParticipantConnected,
      RoomEvent.ParticipantDisconnected,
      RoomEvent.ParticipantAttributesChanged,
      RoomEvent.RecordingStatusChanged,
      RoomEvent.ConnectionStateChanged,
    ] as const;
    for (const event of events) this.room.on(event, look);
    const end = new AbortController();
    const tick = () => {
      if (end.signal.aborted) return;
      const then = () =>
        void this.#tick()
          .catch(() => this.#fail())
          .then(tick);
      window.setTimeout(then, TICK_MS);
    };
    tick();
    return () => {
      end.abort();
      for (const event of events) this.room.off(event, look);
      this.#link?.close();
      this.#link = null;
    };
  }

  async allow(mine: boolean): Promise<void> {
    await this.#exchange.allow(mine);
    this.#show({ mine });
    this.#failures = this.#tryAt = 0;
    await this.#look();
  }

  /** A picture that came directly is on the screen, or the server's is again. */
  prove = (source: Source, direct: boolean): void => {
    const proven = new Set(this.view.proven);
    const changed = direct ? this.view.phase === 'direct' && !proven.has(source) : proven.delete(source);
    if (changed) this.#show({ proven: direct ? proven.add(source) : proven });
  };

  #show(some: Partial<DirectView>): void {
    this.view = { ...this.view, ...some };
    for (const watcher of this.#watchers) watcher();
  }

  get #other(): RemoteParticipant | undefined {
    return [...this.room.remoteParticipants.values()][0];
  }

  /** After anything that may have changed what is possible. */
  async #look(): Promise<void> {
    const reason = reasonIn(this.room, this.#exchange, this.view.mine, this.encrypted);
    if (reason !== this.view.reason) this.#show({ reason });
    if (this.room.state !== ConnectionState.Connected) return; // what flows directly goes on without the server
    if (this.view.mine) await this.#exchange.keepAllowing(); // a server that was started anew
    const other = this.#other;
    if (reason || !other) {
      this.#leave();
      return;
    }
    if (this.#link && this.view.identity !== other.identity) this.#end();
    if (
      !this.#link &&
      this.room.localParticipant.identity < other.identity &&
      performance.now() >= this.#tryAt
    ) {
      await this.#offer(other);
    }
    const message = await this.#exchange.heardFrom(other);
    if (message) await this.#take(message, other);
  }

  #begin(id: string, other: RemoteParticipant): Link {
    const link = new Link(id, this.#exchange.iceServers());
    this.#link = link;
    this.#quiet = new Quiet();
    this.#since = performance.now();
    this.#theyLeft = false;
    this.#show({ phase: 'trying', ...NOTHING, identity: other.identity });
    return link;
  }

  async #offer(other: RemoteParticipant): Promise<void> {
    const link = this.#begin(crypto.randomUUID(), other);
    const sdp = await link.offer(this.#exchange.trackOf);
    if (this.#link === link) await this.#say({ id: link.id, phase: 'offer', sdp });
  }

  async #take(message: Message, other: RemoteParticipant): Promise<void> {
    const { id, phase, sdp } = message;
    if (
      phase === 'offer' &&
      sdp &&
      this.#link?.id !== id &&
      other.identity < this.room.localParticipant.identity
    ) {
      this.#end();
      const link = this.#begin(id, other);
      const answer = await link.answer(sdp, this.#exchange.trackOf);
      if (this.#link === link) await this.#say({ id, phase: 'answer', sdp: answer });
    } else if (this.#link?.id !== id) {
      return;
    } else if (phase === 'answer' && sdp) {
      await this.#link.answered(sdp);
    } else if (phase === 'taken') {
      if (this.view.phase === 'direct') this.#sound.stop();
    } else if (phase === 'leaving' || phase === 'left') {
      this.#theyLeft ||= phase === 'left';
      if (this.view.reason) this.#leave();
      else this.#fail(); // for them it does not work
    }
  }

  async #say(message: Message): Promise<void> {
    const other = this.#other;
    const what = `${message.id} ${message.phase}`;
    if (!other || this.#said === what) return;
    this.#said = what;
    try {
      await this.#exchange.say(other, message);
    } catch (error) {
      this.#said = '';
      throw error;
    }
  }

  /** Without waiting: what goes on does not depend on it, and it is said again if that failed. */
  #mention(message: Message): void {
    this.#say(message).catch(() => undefined);
  }

  /** Back to the server, if it is not there. What comes directly is shown until what the server sends is there. */
  #leave(): void {
    const link = this.#link;
    if (!link || this.view.phase === 'leaving') return;
    this.#sound.resume();
    this.#since = performance.now();
    this.#show({ phase: 'leaving' });
    this.#mention({ id: link.id, phase: 'leaving' });
  }

  #end(): void {
    this.#link?.close();
    this.#link = null;
    this.#sound.heard();
    this.#sound.resume();
    this.flows = new Map();
    this.#show({ phase: 'server', ...NOTHING });
  }

  async #tick(): Promise<void> {
    const link = this.#link;
    const now = performance.now();
    const tickMs = now - this.#lookedAt;
    this.#lookedAt = now;
    if (!link) {
      if (!this.view.reason && now >= this.#tryAt) await this.#look();
      return;
    }
    const { phase } = this.view;
    const ageMs = now - this.#since;
    if (phase === 'leaving') {
      const back = await this.#isBack();
      if (back) this.#mention({ id: link.id, phase: 'left' });
      if (back ? this.#theyLeft || ageMs > LINGER_MS : ageMs > BACK_MS) this.#end();
      return;
    }
    await link.sync(this.#exchange.trackOf);
    this.flows = await link.flows();
    if (phase === 'trying' && link.state === 'connected') {
      const tracks = SOURCES.map((source) => [source, link.track(source)] as const);
      this.#show({
        phase: 'direct',
        tracks: new Map(tracks.filter((entry): entry is [Source, MediaStreamTrack] => !!entry[1])),
      });
    } else if (phase === 'trying') {
      if (link.state === 'failed' || ageMs > CONNECT_MS) this.#fail();
    } else {
      this.#keep(link, tickMs, now);
    }
  }

  /** Whether all that came directly is shown and heard by the server again. */
  async #isBack(): Promise<boolean> {
    const heard = await this.#sound.isBack();
    for (const source of this.view.proven) {
      const over = isPicture(source) ? !this.#exchange.isSent(this.#other, source) : heard;
      if (over) this.prove(source, false);
    }
    return heard && this.view.proven.size === 0;
  }

  #fail(): void {
    if (!this.#link || this.view.phase === 'leaving') return;
    this.#tryAt = performance.now() + (RETRY_MS[this.#failures] ?? 60_000);
    this.#failures = Math.min(this.#failures + 1, RETRY_MS.length);
    this.#leave();
  }

  /** While it is direct. */
  #keep(link: Link, tickMs: number, now: number): void {
    const other = this.#other;
    const expected = other !== undefined && (other.isMicrophoneEnabled || other.isCameraEnabled);
    const packets = [...this.flows.values()].reduce((sum, flow) => sum + flow.packetsIn, 0);
    const failed = link.state === 'failed' || link.state === 'closed';
    if (failed || this.#quiet.look(packets, expected, tickMs)) {
      this.#fail();
      return;
    }
    // What is switched off has to be proven again.
    const sent = SOURCES.filter((source) => this.#exchange.isSent(other, source));
    const proven = new Set([...this.view.proven].filter((source) => sent.includes(source)));
    for (const source of sent) {
      const heard = !isPicture(source) && (this.flows.get(source)?.packetsIn ?? 0) > 0;
      if (heard) proven.add(source);
    }
    if (this.#levelOf() > LOUD) this.#loudAt = now;
    const speaks = now - this.#loudAt < LOUD_MS;
    if (proven.size !== this.view.proven.size || speaks !== this.view.speaks) this.#show({ proven, speaks });
    this.#sound.hear(other, [...proven]);
    if (sent.every((source) => proven.has(source))) {
      this.#failures = 0;
      this.#mention({ id: link.id, phase: 'taken' });
    }
  }

  #levelOf(): number {
    return Math.max(0, ...SOURCES.map((source) => this.flows.get(source)?.level ?? 0));
  }
}
