// SPDX-License-Identifier: Apache-2.0
// Two users of matrix-js-sdk in one MatrixRTC call, as Element Call does it: the homeserver says where calls are, both
// publish memberships with that focus, take the focus of the oldest one and get a token there. Then they leave.
//
// stdin: {domain, base_url, room, users: [{user_id, device_id, access_token}]}, a line; then a line to leave by.
// stdout: {focus, tokens: [{url, jwt}]}, then {left: memberships that remain}.
import { createInterface } from "node:readline";

// Its loggers take console's functions as they are when it is loaded: stdout is for what we say.
console.log = console.info = console.debug = console.trace = console.error;
const { AutoDiscovery, ClientEvent, createClient, SyncState } = await import("matrix-js-sdk");
const { MatrixRTCSessionEvent } = await import("matrix-js-sdk/lib/matrixrtc/MatrixRTCSession.js");

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const task = JSON.parse((await lines.next()).value);

async function signIn({ user_id, device_id, access_token }) {
    const client = createClient({ baseUrl: task.base_url, userId: user_id, deviceId: device_id, accessToken: access_token });
    const ready = new Promise((done) =>
        client.on(ClientEvent.Sync, (state) => state === SyncState.Prepared && done()),
    );
    await client.startClient();
    await ready;
    return { client, device: device_id, session: client.matrixRTC.getRoomSession(client.getRoom(task.room)) };
}

const until = (session, count) =>
    new Promise((done) => {
        const look = () => session.memberships.length === count && done();
        session.on(MatrixRTCSessionEvent.MembershipsChanged, look);
        look();
    });

const known = await AutoDiscovery.getRawClientConfig(task.domain);
const foci = known["org.matrix.msc4143.rtc_foci"].map((focus) => ({ ...focus, livekit_alias: task.room }));
const people = [];
for (const user of task.users) {
    people.push(await signIn(user));
}
for (const { session } of people) {
    session.joinRoomSession(
        foci,
        { type: "livekit", focus_selection: "oldest_membership" },
        { useNewMembershipManager: true },
    );
}
await Promise.all(people.map(({ session }) => until(session, people.length)));

const tokens = [];
let focus;
for (const { client, device, session } of people) {
    focus = session.getActiveFocus();
    const answer = await fetch(`${focus.livekit_service_url}/sfu/get`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ room: focus.livekit_alias, openid_token: await client.getOpenIdToken(), device_id: device }),
    });
    if (!answer.ok) {
        throw new Error(`${answer.status} ${await answer.text()}`);
    }
    tokens.push(await answer.json());
}
say({ focus, tokens });

await lines.next();
for (const { session } of people) {
    await session.leaveRoomSession(30000);
}
await Promise.all(people.map(({ session }) => until(session, 0)));
say({ left: people[0].session.memberships.length });
people.forEach(({ client }) => client.stopClient());
process.exit(0);
