// SPDX-License-Identifier: Apache-2.0
// A test driver's side of the pipe: one JSON command a line on stdin, one JSON answer or event a line on stdout.
import { createInterface } from 'node:readline';

export function emit(message) {
  process.stdout.write(JSON.stringify(message, (_, v) => (typeof v === 'bigint' ? Number(v) : v)) + '\n');
}

/** Calls handlers[cmd](message) for each line and answers {id, ok|error}; atEnd() when stdin closes. */
export function serve(handlers, atEnd = async () => {}) {
  createInterface({ input: process.stdin })
    .on('line', async (line) => {
      const message = JSON.parse(line);
      try {
        const handler = handlers[message.cmd];
        if (!handler) throw new Error(`this client has no command ${message.cmd}`);
        emit({ id: message.id, ok: (await handler(message)) ?? null });
      } catch (error) {
        emit({ id: message.id, error: String(error?.message ?? error), name: error?.name ?? '' });
      }
    })
    .on('close', () => atEnd().finally(() => process.exit(0)));
}
