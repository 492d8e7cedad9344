// SPDX-License-Identifier: Apache-2.0
import { readAbout } from '../account/api';
import { accept, CallError, decline, forgetMissed, isThere, leave, ring } from './api';
import {
  NO_CALLS,
  place,
  readEvent,
  reduce,
  titleOf,
  type Called,
  type CallEvent,
  type CallsState,
  type Join,
  type Person,
} from './state';

const DEVICE_KEY = 'auralink.device';
const AGAIN_MS = [500, 1000, 2000, 5000, 10_000];
const CLOSED_REPLACED = 4000;
const CLOSED_FORGOTTEN = 4001;
const CLOSED_SIGNED_OUT = 4002;

function newDevice(): string {
  const name = `web-${crypto.randomUUID().slice(0, 13)}`;
  try {
    sessionStorage.setItem(DEVICE_KEY, name);
  } catch {
    // without storage a page that is loaded again is another device
  }
  return name;
}

/** Each tab is a device: all ring. */
function ownDevice(): string {
  try {
    return sessionStorage.getItem(DEVICE_KEY) ?? newDevice();
  } catch {
    return newDevice();
  }
}

/** The telephone line of who is signed in: events come in over a WebSocket, wishes go out by POST. */
export class Line {
  private state: CallsState = NO_CALLS;
  private readonly watchers = new Set<() => void>();
  private device = '';
  private socket: WebSocket | null = null;
  private timer = 0;
  private tries = 0;
  private turn = 0;
  private signedOut: () => void = () => undefined;
  private joined: (join: Join, title: string) => void = () => undefined;

  readonly read = () => this.state;
  readonly subscribe = (watcher: () => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  whenJoined(fn: (join: Join, title: string) => void): void {
    this.joined = fn;
  }

  whenSignedOut(fn: () => void): void {
    this.signedOut = fn;
  }

  /** @returns what ends it */
  open(): () => void {
    this.device = ownDevice();
    this.tries = 0;
    this.turn++;
    this.connect();
    return () => {
      this.turn++;
      clearTimeout(this.timer);
      const socket = this.socket;
      this.socket = null;
      socket?.close();
      this.set(NO_CALLS);
    };
  }

  private set(next: CallsState): void {
    this.state = next;
    this.watchers.forEach((watcher) => watcher());
  }

  private connect(): void {
    const base = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
    const socket = new WebSocket(`${base}/aura/v1/events?device=${this.device}`);
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      const event = readEvent(String(data));
      if (event && this.socket === socket) this.take(event);
    };
    socket.onclose = ({ code }) => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.set({ ...this.state, up: false });
      if (code === CLOSED_FORGOTTEN) {
        this.signedOut();
        return;
      }
      if (code === CLOSED_SIGNED_OUT) {
        void this.comeBack();
        return;
      }
      // Sessions end with the server's process: then it lets nobody in here, but answers.
      if (this.tries > 0) void this.askWhoIam();
      if (code === CLOSED_REPLACED) this.device = newDevice(); // of a tab that was copied
      const wait = AGAIN_MS[Math.min(this.tries++, AGAIN_MS.length - 1)];
      this.timer = window.setTimeout(() => this.connect(), wait);
    };
  }

  /** Whoever has signed in anew meanwhile has another session than the one that ended. */
  private async comeBack(): Promise<void> {
    const turn = this.turn;
    const about = await readAbout().catch(() => null);
    if (turn !== this.turn) return;
    if (about && !about.me) this.signedOut();
    else this.connect();
  }

  private async askWhoIam(): Promise<void> {
    const about = await readAbout().catch(() => null);
    if (about && !about.me) this.signedOut();
  }

  private take(event: CallEvent): void {
    const title = event.event === 'join' ? titleOf(this.state, event.call) : '';
    this.set(reduce(this.state, event));
    if (event.event === 'hello') {
      this.tries = 0;
      void this.lookAgain();
    } else if (event.event === 'join' && !('error' in event)) {
      this.joined(event, title);
    }
  }

  /** What has happened while the line was gone is not told. */
  private async lookAgain(): Promise<void> {
    const call = this.state.placed?.call;
    if (call && !(await isThere(call)) && this.state.placed?.call === call) {
      this.set({ ...this.state, placed: null });
    }
  }

  private async run(what: () => Promise<unknown>): Promise<void> {
    this.set({ ...this.state, notice: '' });
    await what().catch((error: unknown) => {
      const words = error instanceof CallError ? error.message : 'Something went wrong. Try again.';
      this.set({ ...this.state, notice: words });
    });
  }

  ring(people: Person[]): Promise<void> {
    return this.run(async () => {
      const { call, unreached } = await ring(
        people.map(({ id }) => id),
        this.device,
      );
      const to: Called[] = people.map((one) => ({
        ...one,
        state: unreached.includes(one.id) ? 'ended' : 'ringing',
      }));
      this.set(place(this.state, { call, to }));
    });
  }

  accept(call: string): Promise<void> {
    return this.run(() => accept(call, this.device));
  }

  decline(call: string): Promise<void> {
    this.hide(call);
    return this.run(() => decline(call, this.device));
  }

  /** Stops ringing on this page alone. */
  hide(call: string): void {
    this.set({ ...this.state, ringing: this.state.ringing.filter((one) => one.call !== call) });
  }

  cancel(): Promise<void> {
    const call = this.state.placed?.call;
    this.set({ ...this.state, placed: null });
    return call ? this.run(() => leave(call)) : Promise.resolve();
  }

  /** Hangs up. It may be over already. */
  leave(call: string): void {
    leave(call).catch(() => undefined);
  }

  forgetMissed(): Promise<void> {
    return this.run(async () => {
      await forgetMissed();
      this.set({ ...this.state, missed: [] });
    });
  }

  say(notice: string): void {
    this.set({ ...this.state, notice });
  }
}
