// SPDX-License-Identifier: Apache-2.0
// One attempt at a direct connection: a peer connection with a place for each source, so that no track that comes, goes or
// is replaced needs a new offer. Candidates are gathered before the SDP is sent: meanwhile media goes by the server, so
// there is no hurry that trickling them would serve.
import type { LocalTrackPublication } from 'livekit-client';
import { isPicture, SOURCES, type Source } from './words';

const GATHER_MS = 3000; // a STUN server that does not answer must not hold it up
const KBPS_IF_UNKNOWN = 1700;

export interface Flow {
  bytesIn: number;
  bytesOut: number;
  packetsIn: number;
  framesDecoded: number;
  /** 0 to 1, of what comes in. */
  level: number;
}

export type Flows = ReadonlyMap<Source, Flow>;

export type TrackOf = (source: Source) => LocalTrackPublication | undefined;

async function gathered(pc: RTCPeerConnection): Promise<string> {
  await new Promise<void>((done) => {
    const look = () => pc.iceGatheringState === 'complete' && done();
    pc.addEventListener('icegatheringstatechange', look);
    window.setTimeout(done, GATHER_MS);
    look();
  });
  return pc.localDescription?.sdp ?? '';
}

/** The most that the application lets the server have of it. */
function mostKbps(publication: LocalTrackPublication | undefined): number {
  const layers = publication?.track?.sender?.getParameters().encodings ?? [];
  return Math.max(0, ...layers.map((layer) => (layer.maxBitrate ?? 0) / 1000)) || KBPS_IF_UNKNOWN;
}

export class Link {
  readonly #pc: RTCPeerConnection;
  #places: RTCRtpTransceiver[] = [];

  constructor(
    readonly id: string,
    iceServers: RTCIceServer[],
  ) {
    this.#pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
  }

  get state(): RTCPeerConnectionState {
    return this.#pc.connectionState;
  }

  async offer(trackOf: TrackOf): Promise<string> {
    this.#places = SOURCES.map((source) =>
      this.#pc.addTransceiver(isPicture(source) ? 'video' : 'audio', { direction: 'sendrecv' }),
    );
    await this.sync(trackOf);
    await this.#pc.setLocalDescription();
    return gathered(this.#pc);
  }

  async answer(sdp: string, trackOf: TrackOf): Promise<string> {
    await this.#pc.setRemoteDescription({ type: 'offer', sdp });
    this.#places = this.#pc.getTransceivers();
    for (const place of this.#places) place.direction = 'sendrecv';
    await this.sync(trackOf);
    await this.#pc.setLocalDescription();
    return gathered(this.#pc);
  }

  async answered(sdp: string): Promise<void> {
    if (this.#pc.signalingState === 'have-local-offer') {
      await this.#pc.setRemoteDescription({ type: 'answer', sdp });
    }
  }

  /** Sends what is published now. */
  async sync(trackOf: TrackOf): Promise<void> {
    for (const [at, source] of SOURCES.entries()) {
      const sender = this.#places[at]?.sender;
      const publication = trackOf(source);
      const off = !publication || (publication.isMuted && isPicture(source)); // a muted microphone is silent by itself
      const track = off ? null : (publication.track?.mediaStreamTrack ?? null);
      if (!sender || sender.track === track) continue;
      await sender.replaceTrack(track);
      const parameters = sender.getParameters();
      const [layer] = parameters.encodings;
      if (track && layer && isPicture(source)) {
        layer.maxBitrate = mostKbps(publication) * 1000;
        await sender.setParameters(parameters);
      }
    }
  }

  track(source: Source): MediaStreamTrack | undefined {
    return this.#places[SOURCES.indexOf(source)]?.receiver.track;
  }

  async flows(): Promise<Flows> {
    const flows = new Map<Source, Flow>();
    const mids = this.#places.map((place) => place.mid);
    for (const source of SOURCES) {
      flows.set(source, { bytesIn: 0, bytesOut: 0, packetsIn: 0, framesDecoded: 0, level: 0 });
    }
    (await this.#pc.getStats()).forEach((entry: Record<string, unknown>) => {
      const source = SOURCES[mids.indexOf(String(entry['mid']))];
      const flow = source && flows.get(source);
      if (flow && entry['type'] === 'inbound-rtp') {
        flow.bytesIn += Number(entry['bytesReceived'] ?? 0);
        flow.packetsIn += Number(entry['packetsReceived'] ?? 0);
        flow.framesDecoded += Number(entry['framesDecoded'] ?? 0);
        flow.level = Number(entry['audioLevel'] ?? 0);
      } else if (flow && entry['type'] === 'outbound-rtp') {
        flow.bytesOut += Number(entry['bytesSent'] ?? 0);
      }
    });
    return flows;
  }

  close(): void {
    this.#pc.close();
  }
}
