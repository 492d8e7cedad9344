// SPDX-License-Identifier: Apache-2.0
// WHIP and WHEP as a web page does them: RTCPeerConnection and fetch, nothing of LiveKit.
export function whipCommands({ canvasTrack, toneTrack, look, watch, clients }) {
  async function post(pc, m) {
    await pc.setLocalDescription(await pc.createOffer());
    const answer = await fetch(m.url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${m.token}`, 'Content-Type': 'application/sdp' },
      body: pc.localDescription.sdp,
    });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    // null where CORS does not expose them
    const session = { location: answer.headers.get('location'), etag: answer.headers.get('etag') };
    await pc.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    return session;
  }
  function keep(m, pc, stops) {
    const room = { state: 'connected', disconnect: async () => pc.close(), localParticipant: {} };
    clients.set(m.client, { room, pc, published: new Map(), watches: new Map(), stops });
    return clients.get(m.client);
  }
  return {
    async whip(m) {
      const pc = new RTCPeerConnection();
      const video = canvasTrack(m.width, m.height, m.fps, m.noise ?? 0);
      const audio = await toneTrack(440);
      pc.addTransceiver(audio.track, { direction: 'sendonly' });
      const sendEncodings = m.simulcast
        ? [
            { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150000 },
            { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 400000 },
            { rid: 'f', maxBitrate: 1200000 },
          ]
        : [{}];
      pc.addTransceiver(video.track, { direction: 'sendonly', sendEncodings });
      const client = keep(m, pc);
      client.published.set('video', video).set('audio', audio);
      return post(pc, m);
    },
    async whep(m) {
      const pc = new RTCPeerConnection();
      pc.addTransceiver('audio', { direction: 'recvonly' });
      pc.addTransceiver('video', { direction: 'recvonly' });
      const client = keep(m, pc);
      pc.ontrack = ({ track }) => {
        if (track.kind === 'video') {
          const w = watch();
          client.watches.set('video', { watch: w, identity: '', stop: look(track, w) });
        }
      };
      return post(pc, m);
    },
  };
}
