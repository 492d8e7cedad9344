// SPDX-License-Identifier: Apache-2.0
// A user of matrix-js-sdk who looks at a room's call: tells of the memberships when there is one, and of the focus that a
// client would take; then of its end.
//
// stdin: {base_url, room, user: {user_id, device_id, access_token}}, a line.
// stdout: {memberships: [{sender, device, focus}]}, then {left: memberships that remain}.
import { createInterface } from "node:readline";

// Its loggers take console's functions as they are when it is loaded: stdout is for what we say.
console.log = console.info = console.debug = console.trace = console.error;
const { ClientEvent, createClient, SyncState } = await import("matrix-js-sdk");
const { MatrixRTCSessionEvent } = await import("matrix-js-sdk/lib/matrixrtc/MatrixRTCSession.js");

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const task = JSON.parse((await lines.next()).value);
const { user_id, device_id, access_token } = task.user;

const client = createClient({ baseUrl: task.base_url, userId: user_id, deviceId: device_id, accessToken: access_token });
const ready = new Promise((done) => client.on(ClientEvent.Sync, (state) => state === SyncState.Prepared && done()));
await client.startClient();
await ready;
const session = client.matrixRTC.getRoomSession(client.getRoom(task.room));

const until = (count) =>
    new Promise((done) => {
        const look = () => session.memberships.length === count && done();
        session.on(MatrixRTCSessionEvent.MembershipsChanged, look);
        look();
    });

await until(1);
say({
    memberships: session.memberships.map((m) => ({ sender: m.sender, device: m.deviceId, focus: m.getPreferredFoci()[0] })),
});
await until(0);
say({ left: session.memberships.length });
client.stopClient();
process.exit(0);
