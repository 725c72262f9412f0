// Back from the provider, the code leaves before the page is alive, and whatever hangs, the page comes to life.
import type { Page } from '@playwright/test';
import { Application, tokenRequests } from '../support/application.ts';
import { expect, test } from '../support/test.ts';

/** A page whose program is kept from loading says so. */
function withoutCode(expectConsoleError: (pattern: RegExp) => void): void {
  expectConsoleError(/\/pkg\/.*ERR_FAILED/);
  expectConsoleError(/Failed to fetch/);
}

/** Records for each token request of the next pages whether the page was alive. */
async function watchTokenRequests(page: Page): Promise<boolean[]> {
  const alive: boolean[] = [];
  await page.exposeFunction('tokenRequest', (isAlive: boolean) => alive.push(isAlive));
  await page.addInitScript(() => {
    const { fetch } = globalThis;
    globalThis.fetch = (input, init) => {
      if (String(input).endsWith('/connect/token')) {
        const isAlive = document.documentElement.hasAttribute('data-hydrated');
        (globalThis as unknown as { tokenRequest: (isAlive: boolean) => void }).tokenRequest(isAlive);
      }
      return fetch(input, init);
    };
  });
  return alive;
}

test('the code leaves before the page is alive, once', async ({ page }) => {
  // However slow the machine is, the page waits for the code: the longest wait is over after a second.
  await page.addInitScript(() => {
    const start = window.setTimeout.bind(window);
    window.setTimeout = ((handler: TimerHandler, delay = 0) =>
      delay === 1_000 ? 0 : start(handler, delay)) as typeof window.setTimeout;
  });
  const app = new Application(page);
  const alive = await watchTokenRequests(page);
  const requests = tokenRequests(page, 'authorization_code');
  await app.open();
  await app.signInAs('alice');
  expect(alive).toEqual([false]);
  await page.reload();
  await app.expectSignedInAs('alice');
  expect(requests).toHaveLength(1);
});

test('the page is alive while the provider does not answer, and a reload finishes the sign-in', async ({
  page,
  expectConsoleError,
}) => {
  withoutCode(expectConsoleError);
  const app = new Application(page);
  await app.open();
  const url = await app.signInWithoutCallback('alice');
  let answers = false;
  await page.route('**/connect/token', (route) => (answers ? route.continue() : undefined));
  const [request] = await Promise.all([
    page.waitForRequest((request) => request.url().endsWith('/connect/token')),
    page.goto(url, { waitUntil: 'commit' }),
  ]);
  await app.expectRunning();
  expect(request.postData()).toContain('grant_type=authorization_code');
  expect(new URL(page.url()).search, 'the code is not in the address').toBe('');
  answers = true;
  await page.reload();
  await app.expectSignedInAs('alice');
});

test('the page is alive while its configuration does not arrive', async ({ page, expectConsoleError }) => {
  withoutCode(expectConsoleError);
  const app = new Application(page);
  await app.open();
  const url = await app.signInWithoutCallback('alice');
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/config.json', async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(url, { waitUntil: 'commit' });
  await app.expectRunning();
  release();
  await app.expectSignedInAs('alice');
});

test('what the provider refused is told, as before', async ({ page, expectConsoleError }) => {
  withoutCode(expectConsoleError);
  const app = new Application(page);
  await app.open();
  const url = new URL(await app.signInWithoutCallback('alice'));
  url.searchParams.delete('code');
  url.searchParams.set('error', 'access_denied');
  await page.goto(url.href);
  await app.expectSignedOut();
  await expect(app.error).toBeVisible();
});
