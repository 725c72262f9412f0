// The same sign-in however the parts are deployed: three processes on three origins, by https, and all on one port.
import type { Page } from '@playwright/test';
import { Application, isTokenRequest } from '../support/application.ts';
import { Doorward } from '../support/doorward.ts';
import { type Configured, onePort, threeOrigins, tls } from '../support/instances.ts';
import { expect, test } from '../support/test.ts';

const route = '/api/DemoPolicyBased/Admin/Get';

/** Signs in, calls the API, reloads, signs out. Gives the origin that the API answered on. */
async function story(page: Page, origins: Configured, meanwhile?: () => Promise<void>): Promise<string> {
  const app = new Application(page, origins);
  await app.open();
  await app.signInAs('alice');
  await meanwhile?.();
  const answer = await app.call(route);
  expect(answer.status()).toBe(200);
  await expect(app.results).toContainText((await answer.json()).message);
  await page.reload();
  await app.expectSignedInAs('alice');
  await app.signOut.click();
  await app.comeBackFromLogout();
  await app.expectSignedOut();
  await expect(app.error).toBeHidden();
  await test.step('the provider asks for the password again', () => app.signInAs('alice'));
  return new URL(answer.url()).origin;
}

test.describe('three processes on three origins', () => {
  const servers: Doorward[] = [];
  test.beforeAll(async () => {
    const { config, app, api, provider } = threeOrigins;
    servers.push(await Doorward.start({ origins: { app, provider }, config, roles: ['provider'] }));
    servers.push(await Doorward.start({ origins: { app: api, provider }, config, roles: ['api'] }));
    servers.push(await Doorward.start({ origins: { app, provider }, config, roles: ['app'] }));
  });
  test.afterAll(() => Promise.all(servers.map((server) => server.stop())));

  test('sign in, renew, call across origins, sign out', async ({ page }) => {
    const called = await story(page, threeOrigins, async () => {
      const renewal = await page.waitForResponse((response) => isTokenRequest(response.request()));
      expect(renewal.status()).toBe(200);
    });
    expect(called).toBe(threeOrigins.api);
  });

  test('each process serves its own part and lets in the pages that it was told of', async ({ request }) => {
    const { app, api, provider } = threeOrigins;
    const status = async (url: string) => (await request.get(url)).status();
    expect(await status(`${app}${route}`), 'the API is elsewhere').toBe(404);
    expect(await status(`${api}/`), 'so is the page').toBe(404);
    expect(await status(`${app}/.well-known/openid-configuration`), 'so is the provider').toBe(404);

    const policy = (await request.get(app)).headers()['content-security-policy'] ?? '';
    expect(policy).toContain(`connect-src 'self' ${api} ${provider};`);
    const allowed = async (url: string, origin: string) =>
      (await request.get(url, { headers: { origin } })).headers()['access-control-allow-origin'];
    for (const url of [`${api}${route}`, `${provider}/.well-known/openid-configuration`]) {
      expect(await allowed(url, app), url).toBe(app);
      expect(await allowed(url, 'http://localhost:5999'), url).toBeUndefined();
    }
  });
});

test.describe('by https', () => {
  // Nobody told this browser of the authority, which is made when the server starts.
  test.use({ ignoreHTTPSErrors: true });
  let server: Doorward;
  test.beforeAll(async () => {
    server = await Doorward.start({ origins: tls, config: tls.config, healthAt: tls.management });
  });
  test.afterAll(() => server?.stop());

  test('sign in, call the API, sign out, with cookies for this host and https only', async ({
    page,
    context,
  }) => {
    expect(await story(page, tls)).toBe(tls.app);
    const ours = (await context.cookies()).filter((cookie) => cookie.name.includes('doorward'));
    expect(ours.map((cookie) => cookie.name)).toContain('__Host-doorward.session');
    for (const cookie of ours) {
      expect(cookie.name).toMatch(/^__Host-/);
      expect(cookie.secure, cookie.name).toBe(true);
    }
  });
});

test.describe('all on one port', () => {
  let server: Doorward;
  test.beforeAll(async () => {
    server = await Doorward.start({ origins: onePort, config: onePort.config });
  });
  test.afterAll(() => server?.stop());

  test('sign in, call the API, sign out', async ({ page }) => {
    expect(await story(page, onePort)).toBe(onePort.app);
  });

  test('by the other name of this machine, too', async ({ page }) => {
    const elsewhere = { ...onePort, app: onePort.app.replace('localhost', '127.0.0.1') };
    const app = new Application(page, elsewhere);
    await app.open();
    await app.signInAs('bob');
    expect((await app.call('/api/DemoPolicyBased/Everyone/Get')).status()).toBe(200);
  });
});
