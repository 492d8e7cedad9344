// SPDX-License-Identifier: Apache-2.0
// How two browsers reach each other before they are connected: by attributes, which LiveKit's client sends and gets over
// the WebSocket to the server.
import type { LocalTrackPublication, RemoteParticipant, Room } from 'livekit-client';
import { makeKeys, seal, unseal, type Keys } from './seal';
import { ALLOWS, isPicture, readMessage, SAYS, type Message, type Source } from './words';

export class Exchange {
  #keys: Promise<Keys> | null = null;
  #read = '';
  #asking: Promise<void> | null = null;

  constructor(private readonly room: Room) {}

  async allow(mine: boolean): Promise<void> {
    this.#keys ??= makeKeys();
    const { shown } = await this.#keys;
    this.#asking = this.room.localParticipant.setAttributes({ [ALLOWS]: mine ? shown : '', [SAYS]: '' });
    try {
      await this.#asking;
    } finally {
      this.#asking = null;
    }
  }

  /** A server that was started anew has forgotten it. */
  async keepAllowing(): Promise<void> {
    if (!this.room.localParticipant.attributes[ALLOWS] && !this.#asking) await this.allow(true);
  }

  keyOf(other: RemoteParticipant): string {
    return other.attributes[ALLOWS] ?? '';
  }

  async say(other: RemoteParticipant, message: Message): Promise<void> {
    const keys = await this.#keys;
    const theirs = this.keyOf(other);
    if (!keys || !theirs) return;
    const { localParticipant: me } = this.room;
    const sealed = await seal(keys, theirs, me.identity, other.identity, JSON.stringify(message));
    await me.setAttributes({ [SAYS]: sealed });
  }

  /** What the other has said since this was last asked. */
  async heardFrom(other: RemoteParticipant): Promise<Message | null> {
    const sealed = other.attributes[SAYS] ?? '';
    const keys = await this.#keys;
    if (!keys || !sealed || sealed === this.#read) return null;
    this.#read = sealed;
    const { localParticipant: me } = this.room;
    const text = await unseal(keys, this.keyOf(other), other.identity, me.identity, sealed);
    return text === null ? null : readMessage(text);
  }

  /** STUN and TURN servers that the server named at the join. */
  iceServers(): RTCIceServer[] {
    const named = this.room.engine.latestJoinResponse?.iceServers ?? [];
    return named.map(({ urls, username, credential }) => ({ urls, username, credential }));
  }

  trackOf = (source: Source): LocalTrackPublication | undefined =>
    this.room.localParticipant.getTrackPublication(source);

  /** Whether the other sends that now. */
  isSent(other: RemoteParticipant | undefined, source: Source): boolean {
    const publication = other?.getTrackPublication(source);
    return publication !== undefined && !(publication.isMuted && isPicture(source));
  }
}
