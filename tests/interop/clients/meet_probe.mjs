// SPDX-License-Identifier: Apache-2.0
// What meet_client.mjs has pages measure of themselves. Each function runs in the page, and takes nothing from around it.

/** Every peer connection of the page is kept, so that the browser's own counters can be read. */
export function keepPeers() {
  const Real = window.RTCPeerConnection;
  window.testPeers = [];
  window.RTCPeerConnection = class extends Real {
    constructor(...given) {
      super(...given);
      window.testPeers.push(this);
    }
  };
}

/** As a browser does whose user has said no; the flag that answers for the user can only say yes. */
export function denyDevices() {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('denied', 'NotAllowedError'));
}

export async function countFlow() {
  const sum = { framesDecoded: 0, videoBytes: 0, audioBytes: 0, audioEnergy: 0, sentBytes: 0 };
  for (const peer of window.testPeers) {
    for (const s of (await peer.getStats().catch(() => new Map())).values()) {
      if (s.type === 'inbound-rtp' && s.kind === 'video') {
        sum.framesDecoded += s.framesDecoded ?? 0;
        sum.videoBytes += s.bytesReceived ?? 0;
      } else if (s.type === 'inbound-rtp') {
        sum.audioBytes += s.bytesReceived ?? 0;
        sum.audioEnergy += s.totalAudioEnergy ?? 0;
      } else if (s.type === 'outbound-rtp') {
        sum.sentBytes += s.bytesSent ?? 0;
      }
    }
  }
  return sum;
}

/** The one picture that comes in, and the codec that its packets have now. */
export async function readInbound() {
  for (const peer of window.testPeers) {
    const stats = await peer.getStats();
    for (const s of stats.values()) {
      if (s.type === 'inbound-rtp' && s.kind === 'video' && s.bytesReceived) {
        return {
          codec: stats.get(s.codecId)?.mimeType ?? '', bytes: s.bytesReceived, frames: s.framesDecoded,
          width: s.frameWidth, height: s.frameHeight,
        };
      }
    }
  }
  return { codec: '', bytes: 0, frames: 0, width: 0, height: 0 };
}

/** What is sent of the camera, the largest layer: its size, rate and the most that the application allows. */
export async function readSending() {
  let largest = { width: 0, height: 0, fps: 0, kbps: 0, mostKbps: 0, limited: '' };
  for (const sender of window.testPeers.flatMap((peer) => peer.getSenders())) {
    if (sender.track?.kind !== 'video') continue;
    const most = Math.max(0, ...sender.getParameters().encodings.map((layer) => layer.maxBitrate ?? 0));
    for (const s of (await sender.getStats()).values()) {
      if (s.type === 'outbound-rtp' && s.active && (s.frameWidth ?? 0) > largest.width) {
        largest = {
          width: s.frameWidth, height: s.frameHeight, fps: s.framesPerSecond ?? 0, kbps: (s.targetBitrate ?? 0) / 1000,
          mostKbps: most / 1000, limited: s.qualityLimitationReason ?? '',
        };
      }
    }
  }
  return largest;
}

/** Bytes by the server and directly. The server is known by its SDP: browsers are never ICE lite. */
export async function countWays() {
  const none = () => ({ videoIn: 0, videoOut: 0, audioIn: 0, audioOut: 0, framesIn: 0 });
  const ways = { server: none(), direct: none(), port: 0, attempts: 0 };
  const sdpOf = (peer) => {
    try {
      return peer.remoteDescription?.sdp;
    } catch {
      return undefined; // Firefox does not tell of closed ones
    }
  };
  for (const peer of window.testPeers) {
    const sdp = sdpOf(peer);
    const lite = sdp?.includes('a=ice-lite');
    if (sdp && !lite) ways.attempts += 1;
    if (!sdp || peer.connectionState === 'closed') continue;
    const way = ways[lite ? 'server' : 'direct'];
    const stats = await peer.getStats().catch(() => new Map()); // it may be closed just now
    for (const s of stats.values()) {
      if (s.type === 'inbound-rtp') {
        way[s.kind + 'In'] += s.bytesReceived ?? 0;
        way.framesIn += s.framesDecoded ?? 0;
      } else if (s.type === 'outbound-rtp') {
        way[s.kind + 'Out'] += s.bytesSent ?? 0;
      } else if (s.type === 'transport' && !lite && s.selectedCandidatePairId) {
        ways.port = stats.get(stats.get(s.selectedCandidatePairId)?.localCandidateId)?.port ?? 0;
      }
    }
  }
  return ways;
}

/** The longest time for which the picture that is seen in a tile did not change, from now on: window.testGap. */
export function watchTile(css) {
  const known = new WeakSet();
  const gap = { maxMs: 0, frames: 0, ways: [], at: performance.now() };
  window.testGap = gap;
  const onTop = (video) => {
    const box = video.getBoundingClientRect();
    const [top] = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2).filter((e) => e.tagName === 'VIDEO');
    return top === video;
  };
  const follow = (video) => {
    const shown = () => {
      if (window.testGap !== gap) return;
      if (onTop(video)) {
        const now = performance.now();
        const way = video.dataset.way ?? 'server';
        gap.maxMs = Math.max(gap.maxMs, now - gap.at);
        gap.at = now;
        gap.frames += 1;
        if (gap.ways.at(-1) !== way) gap.ways.push(way);
      }
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  };
  const look = () => {
    if (window.testGap !== gap) return;
    for (const video of document.querySelectorAll(`${css} video`)) {
      if (!known.has(video)) {
        known.add(video);
        follow(video);
      }
    }
    requestAnimationFrame(look);
  };
  look();
}

export function readGap() {
  const { maxMs, frames, ways, at } = window.testGap;
  return { maxMs: Math.max(maxMs, performance.now() - at), frames, ways };
}
