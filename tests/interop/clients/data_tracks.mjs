// SPDX-License-Identifier: Apache-2.0
// Data tracks, with frames that can be told from wrong ones.

/** Its number, then bytes that follow from it (python_client.py makes the same). */
function frameBytes(number, size) {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (number + i - 4) & 255);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function isFrame(payload) {
  if (payload.length < 4) return false;
  const number = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
  return frameBytes(number, payload.length).every((byte, i) => byte === payload[i]);
}

async function sendFrames(state, size) {
  while (state.running) {
    // Its own buffer may be full: the next one may go.
    await state.track.tryPush({ payload: frameBytes(state.counter, size) }).catch(() => {});
    state.counter += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Reads the track until it ends. */
function countFrames(track, ended) {
  const reader = track.subscribe().getReader();
  const counts = { good: 0, bad: 0, reader };
  (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      counts[isFrame(value.payload) ? 'good' : 'bad'] += 1;
    }
    ended();
  })();
  return counts;
}

/** Commands of a page whose clients get(message) finds. */
export function dataTrackCommands(get) {
  return {
    async publishDataTrack(m) {
      const client = get(m);
      const track = await client.room.localParticipant.publishDataTrack({ name: m.name });
      const state = { running: true, track, counter: 0, stop: () => (state.running = false) };
      client.published.set(track.info.sid, { state });
      sendFrames(state, m.size);
      return { sid: track.info.sid };
    },
    async unpublishDataTrack(m) {
      const { state } = get(m).published.get(m.sid);
      get(m).published.delete(m.sid);
      state.stop();
      await state.track.unpublish();
    },
    subscribeDataTrack(m) {
      const client = get(m);
      const frames = countFrames(client.dataTracks.get(m.sid), () => client.tell('dataTrackEnded', { sid: m.sid }));
      client.frames.set(m.sid, frames);
    },
    async unsubscribeDataTrack(m) {
      await get(m).frames.get(m.sid).reader.cancel();
    },
    dataFrames(m) {
      const { good, bad } = get(m).frames.get(m.sid);
      return { good, bad };
    },
  };
}
