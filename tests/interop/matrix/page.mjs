// SPDX-License-Identifier: Apache-2.0
// Runs inside the browser, beside clients/page.mjs: a user of matrix-js-sdk who enters a MatrixRTC call as Element Call does, and
// gets a focus and a token for livekit-client. Two dialects: memberships as state of the room, with /sfu/get; and sticky events
// (MSC4354) with /get_token.
import '../clients/page.mjs';
import { AutoDiscovery, ClientEvent, createClient, SyncState } from 'matrix-js-sdk-now';
import { MatrixRTCSessionEvent } from 'matrix-js-sdk-now/lib/matrixrtc/index.js';

let client, session, sticky;

function until(good) {
  return new Promise((done) => {
    const look = () => good(session.memberships) && done();
    session.on(MatrixRTCSessionEvent.MembershipsChanged, look);
    look();
  });
}

/** Where calls are: what the homeserver's own path says, else its .well-known, which clients of before read. */
async function transports(domain) {
  if (sticky) {
    return (await client._unstable_getRTCTransports()).filter((t) => t.type === 'livekit');
  }
  return (await AutoDiscovery.getRawClientConfig(domain))['org.matrix.msc4143.rtc_foci'];
}

async function token(focus, room, device) {
  const openid_token = await client.getOpenIdToken();
  const own = session.memberships.find((m) => m.userId === client.getUserId());
  const [path, body] = sticky
    ? ['/get_token', { room_id: room, slot_id: own.slotId, openid_token,
        member: { id: own.memberId, claimed_user_id: own.userId, claimed_device_id: device } }]
    : ['/sfu/get', { room: focus.livekit_alias, openid_token, device_id: device }];
  const answer = await fetch(focus.livekit_service_url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) {
    throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }
  return { ...(await answer.json()), identity: own.rtcBackendIdentity };
}

Object.assign(window.driver, {
  /** Signs in, finds the focus and publishes a membership. */
  async matrixEnter(m) {
    sticky = m.sticky;
    client = createClient({ baseUrl: m.base_url, userId: m.user_id, deviceId: m.device_id, accessToken: m.access_token });
    const ready = new Promise((done) => client.on(ClientEvent.Sync, (state) => state === SyncState.Prepared && done()));
    await client.startClient();
    await ready;
    session = client.matrixRTC.getRoomSession(client.getRoom(m.room));
    const found = await transports(m.domain);
    const foci = sticky ? found : found.map((focus) => ({ ...focus, livekit_alias: m.room }));
    session.joinRTCSession(
      { userId: m.user_id, deviceId: m.device_id, memberId: `${m.user_id}:${m.device_id}` },
      foci,
      sticky ? foci[0] : undefined,
      { unstableSendStickyEvents: sticky },
    );
    return { foci };
  },
  /** When that many are in the call: the focus of the oldest membership, and a token there. */
  async matrixToken(m) {
    await until((all) => all.length === m.count);
    const focus = session.memberships[0].getTransport(session.memberships[0]);
    return { focus, ...(await token(focus, m.room, m.device_id)), people: session.memberships.map((p) => p.rtcBackendIdentity) };
  },
  async matrixLeave() {
    await session.leaveRoomSession(30000);
  },
  /** When nobody is left. */
  async matrixEmpty() {
    await until((all) => all.length === 0);
    client.stopClient();
  },
});
