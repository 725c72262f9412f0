// How the browser tests run: Debian's Chromium, no retries, a trace of each failure.
import { defineConfig } from '@playwright/test';
import { chromiumExecutable } from './support/browser.ts';
import { demo } from './support/instances.ts';

// Screenshots are for people to look at and figures differ by machine, so they are made only on request:
// `npm run screenshots`, `npm run bench`.
const onRequest = process.env['SCREENSHOTS']
  ? 'screenshots.spec.ts'
  : process.env['BENCH']
    ? '*.bench.ts'
    : undefined;

export default defineConfig({
  testDir: 'tests',
  ...(onRequest ? { testMatch: onRequest } : { testIgnore: 'screenshots.spec.ts' }),
  globalSetup: './support/global-setup.ts',
  forbidOnly: process.env['CI'] !== undefined,
  workers: 2,
  retries: 0,
  reporter: 'list',
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    baseURL: demo.app,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    viewport: { width: 1280, height: 800 },
    browserName: 'chromium',
    launchOptions: {
      executablePath: chromiumExecutable(),
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
  },
});
