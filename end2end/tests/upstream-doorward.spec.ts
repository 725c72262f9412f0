// Sign-in at the provider with a second Doorward: accounts, links, claims, step-up and sign-out between the two.
import type { Page } from '@playwright/test';
import { setUpApp } from '../support/admin.ts';
import { Application } from '../support/application.ts';
import { Doorward } from '../support/doorward.ts';
import { startExample } from '../support/example.ts';
import { upstreamDoorward } from '../support/instances.ts';
import { claimsOf } from '../support/jwt.ts';
import { LoginPage } from '../support/login-page.ts';
import { stepUp } from '../support/routes.ts';
import { expect, test } from '../support/test.ts';

const { app: appOrigin, client, config, provider, upstream } = upstreamDoorward;
const adminRoute = '/api/DemoPolicyBased/Admin/Get';

let office: Doorward;
let server: Doorward;
let stopClient: () => Promise<void>;
/** What is changed in the configuration when the process starts. */
const changes: Record<string, string> = {};
test.beforeAll(async () => {
  office = await Doorward.start({ origins: upstream, config: upstream.config, roles: ['provider'] });
  office.run('group', 'add', 'admins');
  office.run('group', 'member', 'add', 'admins', 'erin');
  server = await Doorward.start({ origins: upstreamDoorward, config, changes });
  stopClient = await startExample('server-side', client, {
    ORIGIN: client,
    ISSUER: provider,
    API: appOrigin,
  });
});
test.afterAll(async () => {
  await stopClient?.();
  await server?.stop();
  await office?.stop();
});
test.describe.configure({ mode: 'serial' });

const at = (path: string) => provider + path;
const button = (page: Page) => page.getByRole('button', { name: 'Sign in with The office' });

/** From the page of the application by the office, as who is nobody there yet, and back. */
async function signIn(page: Page, name: string): Promise<Application> {
  await page.context().clearCookies();
  const app = new Application(page, upstreamDoorward);
  await app.open();
  if (await app.signOut.isVisible()) await page.evaluate(() => sessionStorage.clear());
  await app.open();
  await app.signIn.click();
  await button(page).click();
  await signInThere(page, name);
  await app.expectRunning();
  await expect(app.signOut).toBeVisible();
  return app;
}

async function signInThere(page: Page, name: string): Promise<void> {
  const login = new LoginPage(page);
  await login.expectOpen(upstream.provider);
  await login.submit(name, name);
}

const subOf = async (app: Application) => claimsOf((await app.idToken.textContent()) ?? '')['sub'];

test('the first sign-in makes an account, and the second one finds it', async ({ page }) => {
  const app = await signIn(page, 'erin');
  await expect(app.uid).toHaveText('erin');
  const first = await subOf(app);
  await page.goto(at('/account/identities'));
  await expect(page.getByRole('listitem').filter({ hasText: 'The office' })).toBeVisible();
  expect(await subOf(await signIn(page, 'erin'))).toBe(first);
});

test('what the mapping gives follows the groups there, and goes with the rule', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/Admin\/Get.*status of 403/);
  const mayAdminister = async () => {
    const app = await signIn(page, 'erin');
    return (await app.call(adminRoute)).status();
  };
  expect(await mayAdminister()).toBe(200);
  office.run('group', 'member', 'remove', 'admins', 'erin');
  expect(await mayAdminister()).toBe(403);
  office.run('group', 'member', 'add', 'admins', 'erin');
  expect(await mayAdminister()).toBe(200);

  await server.halt();
  changes['value = "admin"'] = 'value = "reader"';
  await server.resume();
  expect(await mayAdminister()).toBe(403);
});

test('a user links the account there on the page of the account, and signs in by it', async ({ page }) => {
  await page.goto(at('/account/login?return_url=%2Faccount%2Fidentities'));
  await new LoginPage(page).submit('carol', 'carol');
  await page.getByRole('button', { name: 'Link The office' }).click();
  await signInThere(page, 'frank');
  await expect(page.getByRole('listitem').filter({ hasText: 'frank' })).toBeVisible();
  const app = await signIn(page, 'frank');
  await app.expectSignedInAs('carol');
});

test('a step-up is passed on: the second factor is the one there', async ({ page, expectConsoleError }) => {
  expectConsoleError(/TwoFactors.*status of 401/);
  const app = await signIn(page, 'grace');
  expect((await app.call(stepUp.twoFactors)).status()).toBe(401);
  await page.locator('#error_next').click();
  const asked = page.waitForRequest((request) =>
    request.url().startsWith(`${upstream.provider}/connect/authorize?`),
  );
  await button(page).click();
  expect(new URL((await asked).url()).searchParams.get('acr_values')).toBe('urn:doorward:acr:2');
  await signInThere(page, 'grace');
  const repeated = page.waitForResponse(
    (response) => new URL(response.url()).pathname === stepUp.twoFactors && response.ok(),
  );
  await setUpApp(page);
  await repeated;
  await expect(app.results).toContainText('two factors');
  expect(claimsOf((await app.idToken.textContent()) ?? '')).toMatchObject({ acr: 'urn:doorward:acr:2' });
});

test('the office goes down in the middle, and another way in is left', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/office\/callback.*status of 503/);
  const app = new Application(page, upstreamDoorward);
  await app.open();
  await app.signIn.click();
  await button(page).click();
  await new LoginPage(page).expectOpen(upstream.provider);
  // The way back is that of the office. It is gone when its code is to be redeemed.
  await page.route(`${upstream.provider}/account/login`, async (route) => {
    const toRequest = (await route.fetch({ maxRedirects: 0 })).headers()['location'] ?? '';
    const request = new URL(toRequest, upstream.provider).href;
    const back = (await page.request.get(request, { maxRedirects: 0 })).headers()['location'] ?? '';
    await office.halt();
    await route.fulfill({ status: 303, headers: { location: back } });
  });
  await new LoginPage(page).submit('erin', 'erin');
  await expect(page.getByRole('status')).toContainText('The office does not answer');
  expect(new URL(page.url()).origin).toBe(provider);
  await page.getByRole('link', { name: 'Back to sign-in' }).click();
  await new LoginPage(page).submit('alice', 'alice');
  await app.expectSignedInAs('alice');

  await page.unrouteAll();
  await office.resume();
  await expect((await signIn(page, 'erin')).uid).toHaveText('erin');
});

test('signing out here signs out there, and comes back', async ({ page }) => {
  const app = await signIn(page, 'heidi');
  const told = page.waitForRequest((request) =>
    request.url().startsWith(`${upstream.provider}/connect/endsession?`),
  );
  await app.signOut.click();
  // The other provider learns whose session ends, and asks nothing.
  const hint = new URL((await told).url()).searchParams.get('id_token_hint');
  expect(claimsOf(hint ?? '')['iss']).toBe(upstream.provider);
  await app.comeBackFromLogout();
  await app.expectSignedOut();
  for (const origin of [provider, upstream.provider]) {
    await page.goto(`${origin}/account`);
    await new LoginPage(page).expectOpen(origin);
  }
});

test('a sign-out there ends the session here, its applications, and what the page has', async ({
  page,
  context,
}) => {
  const app = await signIn(page, 'heidi');
  const served = await context.newPage();
  await served.goto(`${client}/me`);
  await expect(served.locator('#user')).toHaveText('Heidi Hill');

  const there = await context.newPage();
  await there.goto(`${upstream.provider}/account/logout`);
  await there.locator('button[name=action][value=logout]').click();
  await expect
    .poll(async () => {
      await served.goto(client);
      return served.locator('main').textContent();
    })
    .toContain('You are not signed in.');
  // Its next renewal finds nobody.
  await expect(app.signIn).toBeVisible();
  await served.goto(at('/account'));
  await new LoginPage(served).expectOpen(provider);
});
