// SPDX-License-Identifier: Apache-2.0
// Calls of livekit-server-sdk beyond RoomService's plain ones: URL KEY SECRET CALL JSON; prints {ok} or {error}.
import { AgentDispatchClient, EgressClient, IngressClient, RoomServiceClient, SipClient } from 'livekit-server-sdk';

const [url, key, secret, call, json] = process.argv.slice(2);
const r = JSON.parse(json);
const rooms = new RoomServiceClient(url, key, secret);
const calls = {
  createRoom: () => rooms.createRoom(r),
  performRpc: () => rooms.performRpc(r.room, r.identity, r.method, r.payload, { responseTimeoutMs: r.timeout }),
  listEgress: () => new EgressClient(url, key, secret).listEgress(),
  listIngress: () => new IngressClient(url, key, secret).listIngress(),
  listTrunks: () => new SipClient(url, key, secret).listSipInboundTrunk(),
  createDispatch: () => new AgentDispatchClient(url, key, secret).createDispatch(r.room, r.agent, { metadata: r.metadata }),
  listDispatch: () => new AgentDispatchClient(url, key, secret).listDispatch(r.room),
  deleteDispatch: () => new AgentDispatchClient(url, key, secret).deleteDispatch(r.id, r.room),
};
const plain = (value) =>
  value?.toJson
    ? value.toJson({ useProtoFieldName: true, emitDefaultValues: true })
    : Array.isArray(value)
      ? value.map(plain)
      : value;
try {
  console.log(JSON.stringify({ ok: plain(await calls[call]()) ?? null }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message, code: error.code ?? '', status: error.status ?? 0 }));
}
process.exit(0);
