// The provider serves a client that we did not write: oidc-client-ts, on an origin of its own.
import type { Page } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { interop } from '../support/instances.ts';
import { serveInterop } from '../support/interop-server.ts';
import { claimsOf } from '../support/jwt.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';

/** The parts that we look at of the user that oidc-client-ts stores. */
interface StoredUser {
  id_token: string;
  access_token: string;
  refresh_token: string;
  token_type: string;
  scope: string;
  session_state: string | null;
  expires_at: number;
  profile: Record<string, unknown>;
}

let server: Doorward;
const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  server = await Doorward.start({ origins: interop, config: interop.config });
  const authority = interop.provider;
  const page = await serveInterop(interop.page, {
    authority,
    client_id: 'interop',
    scope: 'openid profile email offline_access MyBackendApi2',
  });
  const boundPage = await serveInterop(interop.boundPage, {
    authority,
    client_id: 'interop-bound',
    scope: 'openid profile offline_access MyBackendApi2',
    bound: true,
  });
  stops.push(page, boundPage);
});
test.afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await server?.stop();
});

test('sign in, user info, silent renewal, revocation, sign out', async ({ page, request }) => {
  const api = (token: string) =>
    request.get(`${interop.app}/api/DemoPolicyBased/Admin/Get`, {
      headers: { authorization: `Bearer ${token}` },
    });

  await test.step('sign in', async () => {
    await signIn(page);
    await expect(page.locator('#status')).toHaveText('signed in');
  });

  const first = await storedUser(page);
  await test.step('the tokens and the user info are hers', async () => {
    expect(first.token_type).toBe('Bearer');
    expect(first.scope.split(' ').toSorted()).toEqual(
      ['MyBackendApi2', 'email', 'offline_access', 'openid', 'profile'].toSorted(),
    );
    expect(claimsOf(first.id_token)).toMatchObject({ iss: interop.provider, aud: 'interop', sub: 'alice' });
    // The email comes from the user info endpoint, since the scope's claims are not in the ID token.
    expect(first.profile).toMatchObject({ sub: 'alice', email: 'alice@example.com' });
    expect((await api(first.access_token)).status()).toBe(200);
  });

  const second = await test.step('renew silently, by the refresh token', async () => {
    const grant = page.waitForRequest((request) => request.url() === `${interop.provider}/connect/token`);
    await page.locator('#renew').click();
    expect(new URLSearchParams((await grant).postData() ?? '').get('grant_type')).toBe('refresh_token');
    await expect(page.locator('#status')).toHaveText('renewed');
    const renewed = await storedUser(page);
    expect(renewed.access_token).not.toBe(first.access_token);
    expect(renewed.refresh_token).not.toBe(first.refresh_token);
    expect(claimsOf(renewed.id_token)['auth_time']).toBe(claimsOf(first.id_token)['auth_time']);
    expect((await api(renewed.access_token)).status()).toBe(200);
    return renewed;
  });

  await test.step('revoke: the refresh token is dead', async () => {
    await page.locator('#revoke').click();
    await expect(page.locator('#status')).toHaveText('revoked');
    const reused = await request.post(`${interop.provider}/connect/token`, {
      form: { grant_type: 'refresh_token', client_id: 'interop', refresh_token: second.refresh_token },
    });
    expect(reused.status()).toBe(400);
    expect(await reused.json()).toMatchObject({ error: 'invalid_grant' });
  });

  await test.step('sign out and come back', async () => {
    await page.locator('#signout').click();
    const back = page.locator(`a[href^="${interop.page}/signed-out"]`);
    const status = page.locator('#status');
    await expect(back.or(status)).toBeVisible();
    if (await back.isVisible()) await back.click();
    await expect(status).toHaveText('signed out');
    await expect(page.locator('#user')).toHaveText('null');
  });

  await test.step('the next sign-in asks for the password', async () => {
    await page.locator('#signin').click();
    await new LoginPage(page).expectOpen(interop.provider);
  });
});

test('the session monitor notices a sign-out at the provider', async ({ page, context }) => {
  await signIn(page);
  await expect(page.locator('#status')).toHaveText('signed in');
  const provider = await context.newPage();
  await provider.goto(`${interop.provider}/account/logout`);
  await provider.getByRole('button', { name: 'Sign out' }).click();
  await expect(provider.getByRole('heading', { name: 'You are signed out' })).toBeVisible();
  await expect(page.locator('#status')).toHaveText('signed out at the provider');
});

test('renewal in a hidden frame needs no refresh token, but the session', async ({ page, context }) => {
  await signIn(page);
  const status = page.locator('#status');
  await expect(status).toHaveText('signed in');
  const first = await storedUser(page);

  await test.step('renew with prompt=none', async () => {
    const asked = page.waitForRequest((request) => request.url().includes('/connect/authorize?'));
    await page.locator('#frame').click();
    expect(new URL((await asked).url()).searchParams.get('prompt')).toBe('none');
    await expect(status).toHaveText('renewed in a frame');
    const renewed = await storedUser(page);
    expect(renewed.access_token).not.toBe(first.access_token);
    expect(claimsOf(renewed.id_token)['auth_time']).toBe(claimsOf(first.id_token)['auth_time']);
    await expect(page.locator('iframe[src*="/connect/authorize"]')).toHaveCount(0);
  });

  await test.step('without a session the provider answers login_required', async () => {
    await context.clearCookies();
    const refused = page.waitForRequest((request) => request.url().startsWith(`${interop.page}/callback?`));
    await page.locator('#frame').click();
    expect(new URL((await refused).url()).searchParams.get('error')).toBe('login_required');
  });
});

test('sign in and out in a popup', async ({ page }) => {
  await page.goto(interop.page);
  const status = page.locator('#status');
  await expect(status).toHaveText('ready');

  await test.step('sign in', async () => {
    const [popup] = await Promise.all([page.waitForEvent('popup'), page.locator('#popup').click()]);
    const form = new LoginPage(popup);
    await form.expectOpen(interop.provider);
    await Promise.all([popup.waitForEvent('close'), form.submit('alice', 'alice')]);
    await expect(status).toHaveText('signed in');
    expect((await storedUser(page)).profile).toMatchObject({ sub: 'alice' });
  });

  await test.step('sign out', async () => {
    const [popup] = await Promise.all([page.waitForEvent('popup'), page.locator('#popup-signout').click()]);
    const closed = popup.waitForEvent('close');
    const back = popup.locator(`a[href^="${interop.page}/signed-out"]`);
    await Promise.race([closed, back.click().catch(() => closed)]);
    await closed;
    await expect(status).toHaveText('signed out');
    await expect(page.locator('#user')).toHaveText('null');
  });
});

test('tokens bound to a key of the browser, with the nonce of the provider', async ({
  page,
  request,
  expectConsoleError,
}) => {
  // The browser's own lines about the answers that ask for a nonce.
  expectConsoleError(/\/connect\/token: .*status of 400/);
  expectConsoleError(/\/connect\/userinfo: .*status of 401/);
  await signIn(page, interop.boundPage);
  const status = page.locator('#status');
  await expect(status).toHaveText('signed in');
  const first = await storedUser(page);
  expect(first.token_type).toBe('DPoP');
  expect(claimsOf(first.access_token)['cnf']).toEqual({ jkt: expect.stringMatching(/^[\w-]{43}$/) });

  await test.step('the user info is for whoever has the key', async () => {
    await page.locator('#userinfo').click();
    await expect(status).toHaveText('user info of alice');
    const stolen = await request.get(`${interop.provider}/connect/userinfo`, {
      headers: { authorization: `Bearer ${first.access_token}` },
    });
    expect(stolen.status()).toBe(401);
  });

  await test.step('so are renewal by the refresh token and in a frame', async () => {
    await page.locator('#renew').click();
    await expect(status).toHaveText('renewed');
    const renewed = await storedUser(page);
    expect(renewed.refresh_token).not.toBe(first.refresh_token);
    expect(claimsOf(renewed.access_token)['cnf']).toEqual(claimsOf(first.access_token)['cnf']);
    await page.locator('#frame').click();
    await expect(status).toHaveText('renewed in a frame');
    expect((await storedUser(page)).token_type).toBe('DPoP');
  });
});

test('a cancelled sign-in reaches the client as access_denied', async ({ page }) => {
  await page.goto(interop.page);
  await page.locator('#signin').click();
  await new LoginPage(page).cancel();
  await expect(page.locator('#status')).toHaveText('error: access_denied');
  await expect(page.locator('#user')).toHaveText('null');
});

test('an origin that no client lists is not answered to', async ({ request }) => {
  const preflight = (origin: string) =>
    request.fetch(`${interop.provider}/connect/token`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
  expect((await preflight(interop.page)).headers()['access-control-allow-origin']).toBe(interop.page);
  expect((await preflight('http://attacker.example')).headers()).not.toHaveProperty(
    'access-control-allow-origin',
  );
});

async function signIn(page: Page, origin = interop.page): Promise<void> {
  await page.goto(origin);
  await page.locator('#signin').click();
  const form = new LoginPage(page);
  await form.expectOpen(interop.provider);
  await form.submit('alice', 'alice');
}

async function storedUser(page: Page): Promise<StoredUser> {
  return JSON.parse((await page.locator('#user').textContent()) ?? '') as StoredUser;
}
