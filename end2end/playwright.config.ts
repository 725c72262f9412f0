// How the browser tests run: Debian's Chromium, or with BROWSER=firefox its Firefox; no retries, a trace of each failure.
import { defineConfig, type PlaywrightTestConfig } from '@playwright/test';
import { browserExecutable } from './support/browser.ts';
import { demo } from './support/instances.ts';

// Screenshots are for people to look at and figures differ by machine, so they are made only on request:
// `npm run screenshots`, `npm run bench`.
const onRequest = process.env['SCREENSHOTS']
  ? ['screenshots.spec.ts', 'gallery.spec.ts', 'admin-gallery.spec.ts', 'branding.spec.ts']
  : process.env['BENCH']
    ? '*.bench.ts'
    : undefined;

// What differs by browser: navigation, storage, tabs, windows, keys. The stories that look at the bodies of requests are
// not among them, since Playwright does not see those in Firefox.
const inFirefox = ['flow.spec.ts', 'tabs.spec.ts', 'workbench-*.spec.ts'];

type Browser = NonNullable<PlaywrightTestConfig['use']>;

const chromium = (): Browser => ({
  browserName: 'chromium',
  launchOptions: {
    executablePath: browserExecutable('chromium', 'DOORWARD_CHROMIUM'),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  },
});

const firefox = (): Browser => ({
  browserName: 'firefox',
  channel: 'moz-firefox',
  launchOptions: { executablePath: browserExecutable('firefox-esr', 'DOORWARD_FIREFOX') },
});

const isFirefox = process.env['BROWSER'] === 'firefox';

export default defineConfig({
  testDir: 'tests',
  ...(onRequest
    ? { testMatch: onRequest }
    : isFirefox
      ? { testMatch: inFirefox }
      : { testIgnore: 'screenshots.spec.ts' }),
  globalSetup: './support/global-setup.ts',
  forbidOnly: process.env['CI'] !== undefined,
  workers: 2,
  retries: 0,
  reporter: 'list',
  // On the slowest machine, too: only what hangs waits for so long.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  use: {
    baseURL: demo.app,
    // Pictures of each step would take a fifth of the time. A bench would measure the recorder, too.
    trace: process.env['BENCH'] ? 'off' : { mode: 'retain-on-failure', screenshots: false },
    screenshot: 'only-on-failure',
    viewport: { width: 1280, height: 800 },
    ...(isFirefox ? firefox() : chromium()),
  },
});
