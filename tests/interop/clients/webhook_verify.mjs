// SPDX-License-Identifier: Apache-2.0
// Checks webhooks with livekit-server-sdk's WebhookReceiver: a line of JSON {body, authorization} each on
// stdin, a line with {event} or {error} each on stdout. Arguments: KEY SECRET.
import { createInterface } from 'node:readline';
import { WebhookReceiver } from 'livekit-server-sdk';

const [key, secret] = process.argv.slice(2);
const receiver = new WebhookReceiver(key, secret);
for await (const line of createInterface({ input: process.stdin })) {
  const { body, authorization } = JSON.parse(line);
  try {
    const event = await receiver.receive(body, authorization);
    console.log(JSON.stringify({ event: JSON.parse(event.toJsonString()) }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
}
