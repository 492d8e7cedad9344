// SPDX-License-Identifier: Apache-2.0
// Firefox with AuraLink Meet in it, by WebDriver BiDi: the commands of meet_client.mjs that calls need. One page for each client.
//   node meet_firefox.mjs SERVER_ADDRESS
// Firefox gathers no loopback candidates, so it runs in a network namespace; and it gives cameras to http://localhost only, so
// what it opens there is passed on to the server's address.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { emit, serve } from './lines.mjs';
import { countFlow, countWays, keepPeers, readGap, watchTile } from './meet_probe.mjs';
import { Lateness } from './pattern.mjs';

const [address] = process.argv.slice(2);
const PATIENCE_MS = 60_000;
const profile = mkdtempSync(join(tmpdir(), 'meet-firefox-'));
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
    'media.gmp-manager.url': '',
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'dom.min_background_timeout_value': 4,
    'dom.timeout.enable_budget_timer_throttling': false,
  },
});
const clients = new Map();
const of = ({ client }) => clients.get(client).page;

const forwarded = new Set();
async function forward(port) {
  if (forwarded.has(port)) return;
  forwarded.add(port);
  const pass = createServer((near) => {
    const far = connect(port, address);
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  await new Promise((done) => pass.listen(port, '127.0.0.1', done));
  pass.unref();
}

// In the page. What is wanted may not be there yet.
const press = ({ role, name, exact }) => {
  const css = { tab: '[role=tab]', checkbox: 'label:has(input[type=checkbox])', radio: 'label:has(input[type=radio])' }[role] ?? 'button';
  const named = (e) => (e.ariaLabel || e.textContent).trim();
  const found = [...document.querySelectorAll(css)].find((e) => (exact ? named(e) === name : named(e).includes(name)));
  if (!found || found.disabled) return false;
  found.click();
  return true;
};
const type = ({ label, text }) => {
  const found = [...document.querySelectorAll('label')].find((e) => e.firstElementChild?.textContent === label);
  const named = [...document.querySelectorAll('input')].find((e) => e.ariaLabel === label);
  const input = found?.querySelector('input') ?? named;
  if (!input) return false;
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text); // React watches the element's own
  input.dispatchEvent(new Event('input', { bubbles: true }));
  return true;
};
const look = ({ css, text, state }) => {
  const seen = [...document.querySelectorAll(css)].filter((e) => !text || e.textContent.includes(text));
  if (state === 'detached') return seen.length === 0;
  return state === 'attached' ? seen.length > 0 : seen.some((e) => e.checkVisibility());
};
const until = (m, check, wanted) => of(m).waitForFunction(check, { timeout: PATIENCE_MS, polling: 50 }, wanted).then(() => null);

serve(
  {
    async open(m) {
      await forward(Number(new URL(m.url).port));
      const page = await browser.newPage();
      const kept = { page, faults: [] };
      clients.set(m.client, kept);
      page.on('console', (line) => line.type() === 'error' && kept.faults.push(line.text()));
      page.on('pageerror', (error) => kept.faults.push(String(error)));
      await page.evaluateOnNewDocument(keepPeers);
      await page.evaluateOnNewDocument(`window.testLateness = new (${Lateness})()`);
      await page.setViewport({ width: 1280, height: 800 });
      await page.goto(m.url);
    },
    go: (m) => of(m).goto(m.url).then(() => null),
    click: (m) => until(m, press, { role: m.role ?? 'button', name: m.name, exact: m.exact ?? true }),
    fill: (m) => until(m, type, { label: m.label, text: m.text }),
    press: (m) => of(m).keyboard.press(m.key),
    see: (m) => until(m, look, { css: m.css, text: m.text, state: m.state ?? 'visible' }),
    count: (m) => of(m).$$eval(m.css, (found) => found.length),
    texts: (m) => of(m).$$eval(m.css, (found) => found.map((e) => e.innerText)),
    evaluate: (m) => of(m).evaluate(m.js),
    flow: (m) => of(m).evaluate(countFlow),
    ways: (m) => of(m).evaluate(countWays),
    reset: (m) => of(m).evaluate(watchTile, m.css),
    gap: (m) => of(m).evaluate(readGap),
    late: (m) => of(m).evaluate((ms) => window.testLateness.within(ms), m.ms),
    faults: ({ client }) => clients.get(client).faults,
    async close({ client }) {
      await clients.get(client)?.page.close();
      clients.delete(client);
    },
  },
  async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  },
);
emit({ event: 'ready', client: '' });
