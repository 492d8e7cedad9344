// SPDX-License-Identifier: Apache-2.0
// Starts a browser, loads page.mjs (or what AURA_PAGE names) into it and passes commands and events through.
//   node browser_client.mjs chromium|firefox [WIDTHxHEIGHT.y4m SOUND.wav]
import { build } from 'esbuild';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emit, serve } from './lines.mjs';

const [kind = 'chromium', clip, sound] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'interop-browser-'));
await build({
  entryPoints: [process.env.AURA_PAGE || join(here, 'page.mjs')],
  bundle: true,
  format: 'esm',
  outfile: join(folder, 'page.js'),
  logLevel: 'error',
});

// getUserMedia and workers want a secure origin: http://localhost counts as one.
const workerFile = createRequire(import.meta.url).resolve('livekit-client/e2ee-worker');
const files = {
  '/page.js': join(folder, 'page.js'),
  '/e2ee-worker.js': workerFile.replace(/\.mjs$/, '.js'),
};
const web = createServer((request, response) => {
  if (files[request.url]) {
    response.setHeader('content-type', 'text/javascript');
    createReadStream(files[request.url]).pipe(response);
  } else if (request.url === '/') {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><meta charset=utf-8><body><script type=module src=page.js></script>');
  } else {
    response.statusCode = 404;
    response.end();
  }
});
await new Promise((resolve) => web.listen(0, '127.0.0.1', resolve));
const pageUrl = `http://localhost:${web.address().port}/`;
const profile = join(folder, 'profile');

async function startChromium() {
  const { chromium } = await import('playwright-core');
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-dev-shm-usage',
    '--disable-background-timer-throttling',
    '--disable-renderer-backgrounding',
    '--disable-backgrounding-occluded-windows',
    '--disable-features=WebRtcHideLocalIpsWithMdns',
    '--autoplay-policy=no-user-gesture-required',
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
  ];
  args.push(...(process.env.AURA_CHROMIUM_FLAGS || '').split(' ').filter(Boolean));
  if (clip) args.push(`--use-file-for-fake-video-capture=${clip}`);
  if (sound) args.push(`--use-file-for-fake-audio-capture=${sound}`);
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.AURA_CHROMIUM || '/usr/bin/chromium',
    headless: true,
    args,
  });
  const page = await context.newPage();
  await page.exposeFunction('report', (message) => emit(message));
  page.on('console', (message) => process.stderr.write(`[page] ${message.text()}\n`));
  page.on('pageerror', (error) => process.stderr.write(`[page error] ${error}\n`));
  await page.goto(pageUrl);
  await page.waitForFunction('window.driver');
  return {
    call: (m) => page.evaluate(([cmd, message]) => window.driver[cmd](message), [m.cmd, m]),
    close: () => context.close(),
  };
}

async function startFirefox() {
  const puppeteer = await import('puppeteer-core');
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.AURA_FIREFOX || '/usr/bin/firefox-esr',
    headless: true,
    userDataDir: profile,
    extraPrefsFirefox: {
      'media.autoplay.default': 0,
      'media.autoplay.blocking_policy': 0,
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.peerconnection.ice.loopback': true,
      'media.gmp-manager.url': '',
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      'network.dns.disabled': false,
      'dom.min_background_timeout_value': 4,
      'dom.timeout.enable_budget_timer_throttling': false,
    },
  });
  const page = await browser.newPage();
  await page.exposeFunction('report', (message) => emit(message));
  page.on('console', (message) => message.type() === 'error' && process.stderr.write(`[page] ${message.text()}\n`));
  await page.goto(pageUrl);
  await page.waitForFunction('!!window.driver');
  return {
    call: (m) => page.evaluate((cmd, message) => window.driver[cmd](message), m.cmd, m),
    close: () => browser.close(),
  };
}

let browser;
async function cleanUp() {
  await browser?.close().catch(() => {});
  rmSync(folder, { recursive: true, force: true });
}
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
try {
  browser = await (kind === 'firefox' ? startFirefox() : startChromium());
} catch (error) {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exit(1);
}
serve(
  new Proxy(
    {},
    {
      get: (_, cmd) => async (m) => browser.call({ ...m, cmd }),
    },
  ),
  cleanUp,
);
emit({ event: 'ready', client: '' });
