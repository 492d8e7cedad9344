// SPDX-License-Identifier: Apache-2.0
// Sound by the server while it also comes directly. Pictures need nothing of the kind: LiveKit's client stops those that no
// element shows (adaptive stream), and the publisher's encoder when nobody takes them (dynacast). Sound has neither.
import { RemoteTrackPublication, type RemoteParticipant, type Room } from 'livekit-client';
import { isPicture, SOURCES, type Source } from './words';

async function packetsOf(publication: RemoteTrackPublication): Promise<number> {
  let packets = 0;
  (await publication.track?.getRTCStatsReport())?.forEach((entry: Record<string, unknown>) => {
    if (entry['type'] === 'inbound-rtp') packets += Number(entry['packetsReceived'] ?? 0);
  });
  return packets;
}

export class ServerSound {
  /** Switched off here, with the packets that had come when they were switched on again. */
  readonly #unheard = new Map<RemoteTrackPublication, number>();
  #sends = true;

  constructor(private readonly room: Room) {}

  /** What is heard directly is not taken from the server. */
  hear(other: RemoteParticipant | undefined, directly: readonly Source[]): void {
    for (const source of directly.filter((one) => !isPicture(one))) {
      const publication = other?.getTrackPublication(source);
      if (publication instanceof RemoteTrackPublication && !this.#unheard.has(publication)) {
        publication.setEnabled(false);
        this.#unheard.set(publication, -1);
      }
    }
  }

  /** Whether all that was switched off comes by the server again; asks for it when it does not. */
  async isBack(): Promise<boolean> {
    for (const [publication, from] of this.#unheard) {
      publication.setEnabled(true);
      if (publication.isMuted || !publication.isSubscribed) {
        this.#unheard.delete(publication);
        continue;
      }
      const packets = await packetsOf(publication);
      if (from < 0) this.#unheard.set(publication, packets);
      else if (packets > from) this.#unheard.delete(publication);
    }
    return this.#unheard.size === 0;
  }

  /** The other hears us directly: nothing is sent to the server. */
  stop(): void {
    if (this.#sends) this.#send(false);
  }

  resume(): void {
    if (!this.#sends) this.#send(true);
  }

  /** Whatever was switched off is on again. */
  heard(): void {
    for (const publication of this.#unheard.keys()) publication.setEnabled(true);
    this.#unheard.clear();
  }

  #send(active: boolean): void {
    this.#sends = active;
    for (const source of SOURCES.filter((one) => !isPicture(one))) {
      const sender = this.room.localParticipant.getTrackPublication(source)?.track?.sender;
      const parameters = sender?.getParameters();
      if (!sender || !parameters) continue;
      for (const layer of parameters.encodings) layer.active = active;
      void sender.setParameters(parameters).catch(() => undefined); // the connection is being made anew
    }
  }
}
