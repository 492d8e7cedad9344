// SPDX-License-Identifier: Apache-2.0
// One Egress call through livekit-server-sdk: URL KEY SECRET METHOD JSON-REQUEST; prints {ok} or {error}.
import { DirectFileOutput, EgressClient, EncodedFileOutput, StreamOutput } from 'livekit-server-sdk';

const [url, key, secret, method, json] = process.argv.slice(2);
const client = new EgressClient(url, key, secret);
const r = JSON.parse(json);
const file = () => new EncodedFileOutput({ filepath: r.filepath });

const calls = {
  room: () => client.startRoomCompositeEgress(r.room, { file: file() }, { layout: r.layout, audioOnly: r.audioOnly }),
  stream: () => client.startRoomCompositeEgress(r.room, { stream: new StreamOutput({ urls: ['rtmp://nowhere/x'] }) }),
  participant: () => client.startParticipantEgress(r.room, r.identity, { file: file() }),
  tracks: () => client.startTrackCompositeEgress(r.room, { file: file() }, { audioTrackId: r.audio, videoTrackId: r.video }),
  track: () => client.startTrackEgress(r.room, new DirectFileOutput({ filepath: r.filepath }), r.track),
  list: () => client.listEgress({ roomName: r.room, egressId: r.id, active: r.active }),
  stop: () => client.stopEgress(r.id),
};

const plain = (value) => (Array.isArray(value) ? value.map(plain) : value.toJson({ useProtoFieldName: true }));
try {
  console.log(JSON.stringify({ ok: plain(await calls[method]()) }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message, code: error.code ?? '', status: error.status ?? 0 }));
}
process.exit(0);
