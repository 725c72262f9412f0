// The provider serves a client that we did not write: openid-client in node, with and without a secret.
import type { Page } from '@playwright/test';
import * as jose from 'jose';
import * as oidc from 'openid-client';
import { Doorward } from '../support/doorward.ts';
import { openidClient } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { Receiver } from '../support/receiver.ts';
import { RelyingParty, refreshTokenOf } from '../support/relying-party.ts';
import { expect, test } from '../support/test.ts';

const webSecret = 'a secret: with=all+that %-encoding is for';
const everything = 'openid profile email offline_access MyBackendApi2';
const api = new URL('/api/DemoPolicyBased/Admin/Get', openidClient.app);

let server: Doorward;
let party: RelyingParty;
test.beforeAll(async () => {
  server = await Doorward.start({ origins: openidClient, config: openidClient.config });
  party = await RelyingParty.start(openidClient);
});
test.afterAll(async () => {
  await party?.stop();
  await server?.stop();
});

test('a web application: sign in, user info, renewal, revocation, sign out', async ({ page }) => {
  const web = await party.discover('web', oidc.ClientSecretBasic(webSecret));
  const tokens = await test.step('sign in', () => party.signIn(page, web, { scope: everything }));
  const claims = tokens.claims();

  await test.step('the tokens and the user info are hers', async () => {
    expect(claims).toMatchObject({ iss: openidClient.provider, aud: 'web', sub: 'alice' });
    expect(tokens.scope?.split(' ').toSorted()).toEqual(everything.split(' ').toSorted());
    expect(tokens.expiresIn()).toBeGreaterThan(3500);
    const user = await oidc.fetchUserInfo(web, tokens.access_token, 'alice');
    expect(user).toMatchObject({ sub: 'alice', email: 'alice@example.com' });
    expect((await oidc.fetchProtectedResource(web, tokens.access_token, api, 'GET')).status).toBe(200);
    const { payload } = await verified(web, tokens.access_token, 'MyBackendApi2', 'at+jwt');
    expect(payload).toMatchObject({ sub: 'alice', client_id: 'web', jti: expect.any(String) });
  });

  const renewed = await test.step('renew: another refresh token, the same sign-in', async () => {
    const renewed = await oidc.refreshTokenGrant(web, refreshTokenOf(tokens));
    expect(renewed.refresh_token).not.toBe(tokens.refresh_token);
    expect(renewed.access_token).not.toBe(tokens.access_token);
    expect(renewed.claims()).toMatchObject({ sub: 'alice', auth_time: claims?.['auth_time'] });
    return renewed;
  });

  await test.step('renew with the secret in the body, and with less scope', async () => {
    const post = await party.discover('web', oidc.ClientSecretPost(webSecret));
    const less = await oidc.refreshTokenGrant(post, refreshTokenOf(renewed), {
      scope: 'openid MyBackendApi2',
    });
    expect(less.scope?.split(' ').toSorted()).toEqual(['MyBackendApi2', 'openid']);
    await oidc.tokenRevocation(post, refreshTokenOf(less));
    const refused = oidc.refreshTokenGrant(post, refreshTokenOf(less));
    await expect(refused).rejects.toMatchObject({ error: 'invalid_grant', status: 400 });
  });

  await test.step('sign out and come back', async () => {
    const url = oidc.buildEndSessionUrl(web, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: `${openidClient.client}/signed-out`,
      state: 'where we were',
    });
    await signOut(page, url);
    const back = new URL((await party.next('/signed-out')).url);
    expect(back.searchParams.get('state')).toBe('where we were');
  });

  await test.step('a logout token tells the application', async () => {
    const form = new URLSearchParams(await (await party.next('/backchannel-logout')).text());
    const { payload } = await verified(web, form.get('logout_token') ?? '', 'web', 'logout+jwt');
    expect(payload).toMatchObject({
      sub: 'alice',
      sid: claims?.['sid'],
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    expect(payload).not.toHaveProperty('nonce');
  });

  await test.step('nobody is signed in any more', async () => {
    const { parameters, checks } = await party.newSignIn({ prompt: 'none' });
    await page.goto(oidc.buildAuthorizationUrl(web, parameters).href);
    const refused = oidc.authorizationCodeGrant(web, await party.next(), checks);
    await expect(refused).rejects.toMatchObject({ error: 'login_required' });
  });
});

test('a wrong secret is refused, with the challenge that every 401 has', async () => {
  for (const method of [oidc.ClientSecretBasic('guessed'), oidc.ClientSecretPost('guessed'), oidc.None()]) {
    const service = await party.discover('service', method);
    const grant = oidc.clientCredentialsGrant(service, { scope: 'MyBackendApi2' });
    const error: unknown = await grant.catch((error: unknown) => error);
    if (!(error instanceof oidc.WWWAuthenticateChallengeError)) throw error;
    expect(error.status).toBe(401);
    expect(error.cause).toMatchObject([{ scheme: 'basic' }]);
    expect(await error.response.json()).toMatchObject({ error: 'invalid_client' });
  }
});

test('the response comes by form_post', async ({ page }) => {
  const web = await party.discover('web', oidc.ClientSecretBasic(webSecret));
  const { parameters, checks } = await party.newSignIn({ response_mode: 'form_post', scope: 'openid email' });
  await page.goto(oidc.buildAuthorizationUrl(web, parameters).href);
  await new LoginPage(page).submit('alice', 'alice');
  const response = await party.next();
  expect(response.method).toBe('POST');
  const tokens = await oidc.authorizationCodeGrant(web, response, checks);
  expect(tokens.claims()?.sub).toBe('alice');
});

test('a code is redeemed once, and a second try ends what came of it', async ({ page }) => {
  const web = await party.discover('web', oidc.ClientSecretBasic(webSecret));
  const { parameters, checks } = await party.newSignIn({ scope: everything });
  await page.goto(oidc.buildAuthorizationUrl(web, parameters).href);
  await new LoginPage(page).submit('alice', 'alice');
  const response = new URL((await party.next()).url);
  const tokens = await oidc.authorizationCodeGrant(web, response, checks);
  const again = oidc.authorizationCodeGrant(web, response, checks);
  await expect(again).rejects.toMatchObject({ error: 'invalid_grant' });
  const renewal = oidc.refreshTokenGrant(web, refreshTokenOf(tokens));
  await expect(renewal).rejects.toMatchObject({ error: 'invalid_grant' });
});

test('prompt, max_age and a cancelled sign-in', async ({ page }) => {
  const web = await party.discover('web', oidc.ClientSecretBasic(webSecret));
  const first = (await party.signIn(page, web)).claims();

  await test.step('prompt=none needs no page', async () => {
    const { parameters, checks } = await party.newSignIn({ prompt: 'none', max_age: '3600' });
    await page.goto(oidc.buildAuthorizationUrl(web, parameters).href);
    const tokens = await oidc.authorizationCodeGrant(web, await party.next(), { ...checks, maxAge: 3600 });
    expect(tokens.claims()).toMatchObject({ sub: 'alice', auth_time: first?.['auth_time'] });
  });

  await test.step('prompt=login asks again, and may be cancelled', async () => {
    const { parameters, checks } = await party.newSignIn({ prompt: 'login', login_hint: 'alice' });
    await page.goto(oidc.buildAuthorizationUrl(web, parameters).href);
    await expect(new LoginPage(page).username).toHaveValue('alice');
    await new LoginPage(page).cancel();
    const refused = oidc.authorizationCodeGrant(web, await party.next(), checks);
    await expect(refused).rejects.toMatchObject({ error: 'access_denied' });
  });
});

test('a native application comes back on whatever port is free', async ({ page }) => {
  const native = await party.discover('native', oidc.None());
  const own = await Receiver.start('http://127.0.0.1:0');
  try {
    const redirect_uri = `http://127.0.0.1:${own.port}/callback`;
    const { parameters, checks } = await party.newSignIn({
      redirect_uri,
      scope: 'openid email offline_access',
    });
    await page.goto(oidc.buildAuthorizationUrl(native, parameters).href);
    await new LoginPage(page).submit('bob', 'bob');
    const tokens = await oidc.authorizationCodeGrant(native, await own.next('/callback'), checks);
    expect(tokens.claims()?.sub).toBe('bob');
    expect(await oidc.fetchUserInfo(native, tokens.access_token, 'bob')).toMatchObject({
      email: 'bob@example.com',
    });
    const renewed = await oidc.refreshTokenGrant(native, refreshTokenOf(tokens));
    expect(renewed.claims()?.sub).toBe('bob');
  } finally {
    await own.stop();
  }
});

test('ID tokens are verified under every algorithm', async ({ page }) => {
  const tokensOf = async (algorithm: string) => {
    const metadata = { id_token_signed_response_alg: algorithm };
    return party.discover(algorithm, oidc.ClientSecretPost('secret'), metadata);
  };
  await party.signIn(page, await tokensOf('RS256'));
  for (const algorithm of ['PS256', 'ES256', 'EdDSA']) {
    const client = await tokensOf(algorithm);
    const { parameters, checks } = await party.newSignIn({ prompt: 'none' });
    await page.goto(oidc.buildAuthorizationUrl(client, parameters).href);
    const tokens = await oidc.authorizationCodeGrant(client, await party.next(), checks);
    expect(tokens.claims(), algorithm).toMatchObject({ sub: 'alice', aud: algorithm });
  }
});

test('a service works for itself, and the API asks about its tokens', async () => {
  const service = await party.discover('service', oidc.ClientSecretBasic('secret'));
  const tokens = await oidc.clientCredentialsGrant(service, { scope: 'MyBackendApi2' });
  expect(tokens.token_type).toBe('bearer');
  expect(tokens.id_token).toBeUndefined();
  expect(tokens.refresh_token).toBeUndefined();

  const asApi = await party.discover('MyBackendApi2', oidc.ClientSecretBasic('secret'));
  expect(await oidc.tokenIntrospection(asApi, tokens.access_token)).toMatchObject({
    active: true,
    iss: openidClient.provider,
    aud: 'MyBackendApi2',
    client_id: 'service',
    scope: 'MyBackendApi2',
    token_type: 'Bearer',
  });
  const other = await party.discover('MyBackendApi1', oidc.ClientSecretBasic('secret'));
  expect(await oidc.tokenIntrospection(other, tokens.access_token)).toEqual({ active: false });

  await oidc.tokenRevocation(service, tokens.access_token);
  expect(await oidc.tokenIntrospection(asApi, tokens.access_token)).toEqual({ active: false });
});

test('a device without a browser signs in by a code', async ({ page }) => {
  const device = await party.discover('device', oidc.None());
  const scope = 'openid email offline_access MyBackendApi2';
  const asked = await oidc.initiateDeviceAuthorization(device, { scope });
  const polled = oidc.pollDeviceAuthorizationGrant(device, asked);

  await test.step('the user types the code and allows it', async () => {
    await page.goto(asked.verification_uri);
    await new LoginPage(page).submit('alice', 'alice');
    await page.getByLabel('Code').fill(asked.user_code.toLowerCase());
    await page.getByRole('button', { name: 'Continue' }).click();
    await expect(page.getByText(asked.user_code)).toBeVisible();
    await page.getByRole('button', { name: 'Allow', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'The device is connected' })).toBeVisible();
  });

  const tokens = await polled;
  expect(tokens.claims()?.sub).toBe('alice');
  expect(await oidc.fetchUserInfo(device, tokens.access_token, 'alice')).toMatchObject({ sub: 'alice' });
  const renewed = await oidc.refreshTokenGrant(device, refreshTokenOf(tokens));
  expect(renewed.claims()?.sub).toBe('alice');

  await test.step('another device is not allowed, by the link with the code', async () => {
    const asked = await oidc.initiateDeviceAuthorization(device, { scope });
    const polled = oidc.pollDeviceAuthorizationGrant(device, asked);
    const refused = expect(polled).rejects.toMatchObject({ error: 'access_denied' });
    await page.goto(asked.verification_uri_complete ?? '');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Do not allow' }).click();
    await refused;
  });
});

/** Checks a JWT of the provider with jose, which we did not write either. */
function verified(client: oidc.Configuration, token: string, audience: string, typ: string) {
  const { issuer, jwks_uri } = client.serverMetadata();
  const keys = jose.createRemoteJWKSet(new URL(jwks_uri ?? ''));
  return jose.jwtVerify(token, keys, { issuer, audience, typ, requiredClaims: ['iat', 'exp', 'jti'] });
}

/** Follows the sign-out to its end, by the link that the provider's page offers. */
async function signOut(page: Page, url: URL): Promise<void> {
  await page.goto(url.href);
  const back = page.locator('a[href*="/signed-out"]');
  const arrived = page.getByRole('heading', { name: 'Back' });
  await expect(back.or(arrived)).toBeVisible();
  if (await back.isVisible()) await back.click();
}
