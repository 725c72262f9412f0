// A page that is left open past the life of its access token stays signed in, by the refresh token.
import type { APIRequestContext } from '@playwright/test';
import { Application, isTokenRequest, tokenRequests } from '../support/application.ts';
import { Doorward } from '../support/doorward.ts';
import { shortLives } from '../support/instances.ts';
import { expect, test } from '../support/test.ts';

const route = '/api/DemoPolicyBased/Everyone/Get';

let server: Doorward;
test.beforeAll(async () => {
  server = await Doorward.start({ origins: shortLives, config: shortLives.config });
});
test.afterAll(() => server?.stop());

test('a page left open renews its tokens before they expire', async ({ page, request }) => {
  const app = new Application(page, shortLives);
  await app.open();
  await app.signInAs('alice');
  const first = (await app.accessToken.textContent()) ?? '';
  const all = tokenRequests(page);

  const renewal = await page.waitForResponse((response) => isTokenRequest(response.request()));
  expect(renewal.status()).toBe(200);
  await untilRefused(request, first);

  await app.expectSignedInAs('alice');
  await expect(app.accessToken).not.toHaveText(first);
  expect((await app.call(route)).status()).toBe(200);
  await expect(app.error).toBeHidden();

  await test.step('by refresh grants alone, each with the token of the one before', async () => {
    const forms = all.map((request) => new URLSearchParams(request.postData() ?? ''));
    expect(forms.length).toBeGreaterThan(0);
    for (const form of forms) expect(form.get('grant_type')).toBe('refresh_token');
    const spent = forms.map((form) => form.get('refresh_token'));
    expect(new Set(spent).size, 'one-time refresh tokens are used once').toBe(spent.length);
  });
});

test('coming back after the token has expired renews it, without a login', async ({ page, request }) => {
  const app = new Application(page, shortLives);
  await app.open();
  await app.signInAs('alice');
  const last = (await app.accessToken.textContent()) ?? '';

  // Away from the page, nothing renews.
  await page.goto('about:blank');
  await untilRefused(request, last);

  const renewed = page.waitForResponse((response) => isTokenRequest(response.request(), 'refresh_token'));
  await app.open();
  expect((await renewed).status()).toBe(200);
  await app.expectSignedInAs('alice');
  await expect(app.accessToken).not.toHaveText(last);
  expect((await app.call(route)).status()).toBe(200);
});

test('a renewal that fails for want of a network is made up for', async ({
  page,
  request,
  expectConsoleError,
}) => {
  expectConsoleError(/\/connect\/token.*(ERR_|Failed to load)/);
  const app = new Application(page, shortLives);
  await app.open();
  await app.signInAs('alice');
  const first = (await app.accessToken.textContent()) ?? '';

  const lost = page.waitForEvent('requestfailed', (request) => isTokenRequest(request, 'refresh_token'));
  await page.route('**/connect/token', (route) => route.abort('internetdisconnected'));
  await lost;
  await untilRefused(request, first);
  await app.expectRunning();
  await expect(app.uid).toHaveText('alice');

  await page.unroute('**/connect/token');
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await expect(app.accessToken).not.toHaveText(first);
  expect((await app.call(route)).status()).toBe(200);
});

test('offline for longer than a token lives, and back', async ({
  page,
  context,
  request,
  expectConsoleError,
}) => {
  expectConsoleError(/\/connect\/token.*ERR_INTERNET_DISCONNECTED/);
  const app = new Application(page, shortLives);
  await app.open();
  await app.signInAs('alice');
  const first = (await app.accessToken.textContent()) ?? '';

  await context.setOffline(true);
  await untilRefused(request, first);
  await expect(app.uid).toHaveText('alice');

  const renewed = page.waitForResponse((response) => isTokenRequest(response.request(), 'refresh_token'));
  await context.setOffline(false);
  // On a machine that has no network at all the browser goes on saying that it is offline.
  if (!(await page.evaluate(() => navigator.onLine))) {
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
  }
  expect((await renewed).status()).toBe(200);
  await expect(app.accessToken).not.toHaveText(first);
  expect((await app.call(route)).status()).toBe(200);
  await expect(app.error).toBeHidden();
});

test('a page whose timers do not run renews when a token is needed', async ({ page, request }) => {
  // As browsers do with pages that nobody looks at.
  await page.addInitScript(() => {
    const start = window.setTimeout.bind(window);
    window.setTimeout = ((handler: TimerHandler, delay = 0) =>
      delay < 250 ? start(handler, delay) : 0) as typeof window.setTimeout;
  });
  const app = new Application(page, shortLives);
  const renewals = tokenRequests(page, 'refresh_token');
  await app.open();
  await app.signInAs('alice');
  await untilRefused(request, (await app.accessToken.textContent()) ?? '');
  expect(renewals).toEqual([]);
  expect((await app.call(route)).status()).toBe(200);
  expect(renewals).toHaveLength(1);
});

test('a page that is not to renew by itself renews when a token is needed', async ({ page, request }) => {
  await page.route(`${shortLives.app}/config.json`, async (route) => {
    const config = (await (await route.fetch()).json()) as Record<string, unknown>;
    expect(config['automatic_silent_renew']).toBe(true);
    await route.fulfill({ json: { ...config, automatic_silent_renew: false } });
  });
  const app = new Application(page, shortLives);
  const renewals = tokenRequests(page, 'refresh_token');
  await app.open();
  await app.signInAs('alice');
  await untilRefused(request, (await app.accessToken.textContent()) ?? '');
  expect(renewals).toEqual([]);
  expect((await app.call(route)).status()).toBe(200);
  expect(renewals).toHaveLength(1);
});

test('a device that slept for longer than a token lives renews it when it wakes', async ({ page }) => {
  await page.clock.install();
  const app = new Application(page);
  const renewals = tokenRequests(page, 'refresh_token');
  await app.open();
  await app.signInAs('alice');
  const first = (await app.accessToken.textContent()) ?? '';
  // In sleep the clock on the wall goes on, and neither timers nor the clock of the page do.
  await page.clock.setSystemTime(Date.now() + 2 * 3_600_000);
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await expect(app.accessToken).not.toHaveText(first);
  expect(renewals).toHaveLength(1);
  expect((await app.call(route)).status()).toBe(200);
  await expect(app.error).toBeHidden();
});

test('a session whose token has expired for good is over, and the page says so', async ({ page }) => {
  const app = new Application(page);
  const badge = page.locator('.shell-header .badge');
  await app.open();
  await app.signInAs('alice');
  await expect(badge).toHaveText('Signed in');
  await page.evaluate(() => {
    for (const key of Object.keys(sessionStorage).filter((key) => key.startsWith('oidc.user:'))) {
      const user = JSON.parse(sessionStorage.getItem(key) ?? '') as Record<string, unknown>;
      delete user['refresh_token'];
      user['expires_at'] = 1;
      sessionStorage.setItem(key, JSON.stringify(user));
    }
  });
  await page.reload();
  await expect(badge).toHaveText('Session ended');
  await expect(app.signIn).toBeVisible();
  await app.signIn.click();
  await app.expectSignedInAs('alice');
  await expect(badge).toHaveText('Signed in');
});

/** Waits until the API refuses a token: its life is over by the server's clock, which is the one that counts. */
async function untilRefused(request: APIRequestContext, token: string): Promise<void> {
  const ask = () => request.get(shortLives.app + route, { headers: { authorization: `Bearer ${token}` } });
  await expect.poll(async () => (await ask()).status()).toBe(401);
  expect((await ask()).headers()['www-authenticate']).toContain('error="invalid_token"');
}
