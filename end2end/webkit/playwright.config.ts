// Playwright's runner alone: it can't drive the WebKit of Debian, so `browser.ts` does that by WebDriver.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  outputDir: '../test-results',
  forbidOnly: process.env['CI'] !== undefined,
  workers: 1,
  retries: 0,
  reporter: 'list',
  // On the slowest machine, too: only what hangs waits for so long.
  timeout: 300_000,
  expect: { timeout: 60_000 },
});
