// SPDX-License-Identifier: Apache-2.0
// One RoomService call through livekit-server-sdk: URL KEY SECRET METHOD JSON-REQUEST; prints {ok} or {error}.
import { DataPacket_Kind, ParticipantPermission } from '@livekit/protocol';
import { RoomServiceClient } from 'livekit-server-sdk';

const [url, key, secret, method, json] = process.argv.slice(2);
const client = new RoomServiceClient(url, key, secret);
const r = JSON.parse(json);

const calls = {
  CreateRoom: () =>
    client.createRoom({
      name: r.name,
      metadata: r.metadata,
      emptyTimeout: r.empty_timeout,
      maxParticipants: r.max_participants,
    }),
  ListRooms: async () => ({ rooms: await client.listRooms(r.names) }),
  DeleteRoom: () => client.deleteRoom(r.room),
  UpdateRoomMetadata: () => client.updateRoomMetadata(r.room, r.metadata),
  ListParticipants: async () => ({ participants: await client.listParticipants(r.room) }),
  GetParticipant: () => client.getParticipant(r.room, r.identity),
  RemoveParticipant: () => client.removeParticipant(r.room, r.identity),
  MutePublishedTrack: async () => ({ track: await client.mutePublishedTrack(r.room, r.identity, r.track_sid, r.muted) }),
  UpdateParticipant: () =>
    client.updateParticipant(r.room, r.identity, {
      name: r.name,
      metadata: r.metadata,
      attributes: r.attributes,
      permission: r.permission && ParticipantPermission.fromJson(r.permission),
    }),
  UpdateSubscriptions: () => client.updateSubscriptions(r.room, r.identity, r.track_sids, r.subscribe),
  SendData: () =>
    client.sendData(r.room, Buffer.from(r.data, 'base64'), DataPacket_Kind[r.kind], {
      topic: r.topic,
      destinationIdentities: r.destination_identities,
    }),
};

const plain = (value) => {
  if (value?.toJson) return value.toJson({ useProtoFieldName: true, emitDefaultValues: true });
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
};
try {
  console.log(JSON.stringify({ ok: plain(await calls[method]()) ?? {} }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message, code: error.code ?? '', status: error.status ?? 0 }));
}
process.exit(0);
