// SPDX-License-Identifier: Apache-2.0
// Starts Debian's janus with the two modules needed, on free ports of 127.0.0.1, configured in a folder that
// is deleted afterwards.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';

const STOP_MS = 5000;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** Debian keeps modules below the architecture's library folder. */
function modules() {
  const roots = readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'janus'));
  const found = [...roots, '/usr/lib/janus'].find((path) => existsSync(join(path, 'plugins')));
  if (!found) throw new Error('janus is not installed: apt-get install janus');
  return found;
}

/** Only these modules are loaded, so that nothing else takes time or memory. */
function link(from, kind, name, folder) {
  const target = join(folder, kind);
  mkdirSync(target, { recursive: true });
  symlinkSync(join(from, kind, name), join(target, name));
  return target;
}

/** {pid, url, version, stop()} of a running janus. */
export async function startJanus() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-janus-'));
  const installed = modules();
  const port = await freePort();
  const plugins = link(installed, 'plugins', 'libjanus_videoroom.so', folder);
  const transports = link(installed, 'transports', 'libjanus_websockets.so', folder);
  const config = join(folder, 'etc');
  mkdirSync(config);
  writeFileSync(join(config, 'janus.jcfg'), `
general: {
  configs_folder = "${config}"
  plugins_folder = "${plugins}"
  transports_folder = "${transports}"
  events_folder = "${folder}"
  loggers_folder = "${folder}"
  debug_level = 2
  session_timeout = 0
}
media: { ipv6 = false }
nat: { ice_lite = true, ice_enforce_list = "lo,127.0.0.1" }
`);
  writeFileSync(join(config, 'janus.transport.websockets.jcfg'), `
general: { json = "compact", ws = true, ws_port = ${port}, ws_ip = "127.0.0.1", wss = false }
`);
  writeFileSync(join(config, 'janus.plugin.videoroom.jcfg'), 'general: { events = false }\n');
  const child = spawn('janus', ['-F', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let exited = false;
  const gone = once(child, 'exit').then(() => (exited = true));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said = (said + text).slice(-4000)));
  const stop = async () => {
    child.kill('SIGTERM');
    await Promise.race([gone, after(STOP_MS)]);
    if (!exited) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  return { pid: child.pid, url: `ws://127.0.0.1:${port}`, stop, said: () => said, exited: () => exited };
}
