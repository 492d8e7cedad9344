// SPDX-License-Identifier: Apache-2.0
// Janus' JSON API over one WebSocket and one session with any number of handles.
import { setTimeout as after } from 'node:timers/promises';
import WebSocket from 'ws';

const CONNECT_TRIES = 100;
const CONNECT_PAUSE_MS = 50;

export class JanusApi {
  /** Connects to a janus that may still be starting. */
  static async connect(janus) {
    for (let i = 0; ; i++) {
      const socket = new WebSocket(janus.url, 'janus-protocol');
      const opened = await new Promise((resolve) => {
        socket.on('open', () => resolve(true)).on('error', () => resolve(false));
      });
      if (opened) return new JanusApi(socket).#begin();
      if (janus.exited() || i === CONNECT_TRIES) throw new Error(`janus does not answer:\n${janus.said()}`);
      await after(CONNECT_PAUSE_MS);
    }
  }

  constructor(socket) {
    this.socket = socket;
    this.waiting = new Map(); // transaction -> {resolve, reject, async}
    this.handles = new Map(); // id -> Handle
    this.number = 0;
    socket.on('message', (text) => this.#take(JSON.parse(text)));
  }

  async #begin() {
    const info = await this.request({ janus: 'info' });
    this.version = info.version_string;
    this.session = (await this.request({ janus: 'create' })).data.id;
    return this;
  }

  /** Sends a request and returns what answers it; an `ack` answers only what is not asynchronous. */
  request(fields, asynchronous = false) {
    const transaction = String(++this.number);
    const message = { ...fields, transaction, ...(this.session ? { session_id: this.session } : {}) };
    return new Promise((resolve, reject) => {
      this.waiting.set(transaction, { resolve, reject, asynchronous });
      this.socket.send(JSON.stringify(message));
    });
  }

  async attach() {
    const { data } = await this.request({ janus: 'attach', plugin: 'janus.plugin.videoroom' });
    const handle = new Handle(this, data.id);
    this.handles.set(data.id, handle);
    return handle;
  }

  #take(message) {
    const waiting = this.waiting.get(message.transaction);
    if (!waiting) return this.handles.get(message.sender)?.event(message);
    if (message.janus === 'ack' && waiting.asynchronous) return undefined;
    this.waiting.delete(message.transaction);
    const failed = message.error?.reason ?? message.plugindata?.data?.error;
    return failed ? waiting.reject(new Error(`janus: ${failed}`)) : waiting.resolve(message);
  }
}

class Handle {
  constructor(api, id) {
    this.api = api;
    this.id = id;
    this.up = new Promise((resolve) => (this.nowUp = resolve));
  }

  event(message) {
    if (message.janus === 'webrtcup') this.nowUp();
  }

  /** A request to the plugin: {data, jsep} of its answer. */
  async message(body, jsep, asynchronous = true) {
    const fields = { janus: 'message', handle_id: this.id, body, ...(jsep ? { jsep } : {}) };
    const answer = await this.api.request(fields, asynchronous);
    return { data: answer.plugindata.data, jsep: answer.jsep };
  }

  trickle(candidate) {
    return this.api.request({ janus: 'trickle', handle_id: this.id, candidate });
  }

  async detach() {
    this.nowUp();
    this.api.handles.delete(this.id);
    await this.api.request({ janus: 'detach', handle_id: this.id }).catch(() => {});
  }
}
