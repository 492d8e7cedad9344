// SPDX-License-Identifier: Apache-2.0
// Chromium with AuraLink Meet in it, worked as a person does: by roles and labels. One context for each client.
//   node meet_client.mjs [CAMERA.y4m MICROPHONE.wav]
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { emit, serve } from './lines.mjs';
import { countFlow, countWays, denyDevices, keepPeers, readGap, readInbound, readSending, watchTile } from './meet_probe.mjs';
import { Lateness } from './pattern.mjs';

const [camera, microphone] = process.argv.slice(2);
const PATIENCE_MS = 60_000;
const args = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
  '--disable-features=WebRtcHideLocalIpsWithMdns', '--autoplay-policy=no-user-gesture-required',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--auto-select-desktop-capture-source=Entire screen',
  '--use-fake-ui-for-fullscreen',
];
if (camera) args.push(`--use-file-for-fake-video-capture=${camera}`);
if (microphone) args.push(`--use-file-for-fake-audio-capture=${microphone}`);
const browser = await chromium.launch({ executablePath: process.env.AURA_CHROMIUM || '/usr/bin/chromium', headless: true, args });
const axe = new URL('../../../web/node_modules/axe-core/axe.min.js', import.meta.url);
const clients = new Map();
const of = ({ client }) => clients.get(client).page;
const field = (m) => (m.css ? of(m).locator(m.css) : of(m).getByLabel(m.label, { exact: true }));
const inside = (m) => (m.css ? of(m).locator(m.css).first() : of(m)); // a part of the page

serve(
  {
    async open(m) {
      const context = await browser.newContext({
        viewport: m.viewport ?? { width: 1280, height: 800 },
        colorScheme: m.colours ?? 'dark',
        permissions: ['camera', 'microphone', 'clipboard-read', 'clipboard-write'],
        hasTouch: m.touch ?? false,
        reducedMotion: m.still ? 'reduce' : 'no-preference',
      });
      await context.addInitScript(keepPeers);
      await context.addInitScript(`window.testLateness = new (${Lateness})()`);
      if (m.deny) await context.addInitScript(denyDevices);
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const kept = { context, page, faults: [], loaded: [] };
      clients.set(m.client, kept);
      page.on('console', (line) => line.type() === 'error' && kept.faults.push(line.text()));
      page.on('pageerror', (error) => kept.faults.push(String(error)));
      page.on('requestfinished', async (request) => {
        const sizes = await request.sizes().catch(() => null); // the page may be gone
        const answer = await request.response().catch(() => null);
        if (sizes && answer) {
          kept.loaded.push({
            path: new URL(request.url()).pathname, bytes: sizes.responseBodySize + sizes.responseHeadersSize,
            status: answer.status(), encoding: answer.headers()['content-encoding'] ?? '',
          });
        }
      });
      await page.goto(m.url);
    },
    go: (m) => of(m).goto(m.url),
    click: (m) => inside(m).getByRole(m.role ?? 'button', { name: m.name, exact: m.exact ?? true }).first().click(),
    // An authenticator in the browser whose owner always lets it (Chromium's own, for tests).
    async authenticator(m) {
      const { context, page } = clients.get(m.client);
      const link = await context.newCDPSession(page);
      await link.send('WebAuthn.enable');
      await link.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
          isUserVerified: !m.unwilling, automaticPresenceSimulation: true,
        },
      });
      clients.get(m.client).link = link; // it ends with this
    },
    fill: (m) => of(m).getByLabel(m.label, { exact: true }).fill(m.text),
    select: (m) => field(m).selectOption({ label: m.text }),
    check: (m) => of(m).getByLabel(m.label, { exact: true }).check(),
    value: (m) => field(m).inputValue(),
    press: (m) => of(m).keyboard.press(m.key),
    see: async (m) => {
      await of(m).locator(m.css).filter(m.text ? { hasText: m.text } : {}).first().waitFor({ state: m.state ?? 'visible' });
    },
    count: (m) => of(m).locator(m.css).count(),
    texts: (m) => of(m).locator(m.css).allInnerTexts(),
    evaluate: (m) => of(m).evaluate(m.js),
    flow: (m) => of(m).evaluate(countFlow),
    sending: (m) => of(m).evaluate(readSending),
    ways: (m) => of(m).evaluate(countWays),
    reset: (m) => of(m).evaluate(watchTile, m.css),
    gap: (m) => of(m).evaluate(readGap),
    late: (m) => of(m).evaluate((ms) => window.testLateness.within(ms), m.ms),
    inbound: (m) => of(m).evaluate(readInbound),
    faults: ({ client }) => clients.get(client).faults,
    loaded: ({ client }) => clients.get(client).loaded,
    shot: async (m) => {
      await of(m).screenshot({ path: m.path, animations: 'disabled', fullPage: m.whole ?? false, quality: m.path.endsWith('.jpg') ? 72 : undefined });
    },
    async axe(m) {
      await of(m).evaluate(readFileSync(axe, 'utf8'));
      const { violations } = await of(m).evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      return violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, where: nodes.map((n) => n.target.join(' ')) }));
    },
    async close({ client }) {
      await clients.get(client)?.context.close();
      clients.delete(client);
    },
  },
  () => browser.close(),
);
emit({ event: 'ready', client: '' });
