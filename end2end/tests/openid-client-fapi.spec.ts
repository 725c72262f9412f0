// The provider serves openid-client, which we did not write, by the stricter rules: pushed requests, tokens bound to a
// key, and signatures in place of secrets.
import * as jose from 'jose';
import * as oidc from 'openid-client';
import { Doorward } from '../support/doorward.ts';
import { openidClientFapi } from '../support/instances.ts';
import { claimsOf } from '../support/jwt.ts';
import { LoginPage } from '../support/login-page.ts';
import { RelyingParty, refreshTokenOf } from '../support/relying-party.ts';
import { expect, test } from '../support/test.ts';

const api = new URL('/api/DemoPolicyBased/Admin/Get', openidClientFapi.app);

/** The private half of the key in `config/openid-client-fapi.toml`, for this test alone. */
const signingKey: JsonWebKey = {
  kty: 'EC',
  crv: 'P-256',
  x: '9ctQxYvp-xSyxn9-KozIXe_Sb4IcT8AqxO-MGmqXZFM',
  y: 'cnuz0by6mqswgkMxWhZDTsTP2NPkdSDhawXZ5K_KdBA',
  d: 'NOP8R5O_p5RR3PrN48hQQ8Qc-7ZbTUr9oCmdvJqTXcU',
};

let server: Doorward;
let party: RelyingParty;
test.beforeAll(async () => {
  server = await Doorward.start({ origins: openidClientFapi, config: openidClientFapi.config });
  party = await RelyingParty.start(openidClientFapi);
});
test.afterAll(async () => {
  await party?.stop();
  await server?.stop();
});

test('tokens of a native application are bound to its key', async ({ page }) => {
  const native = await party.discover('native', oidc.None());
  const own = await newKey(native);
  const other = await newKey(native);
  const thumbprint = await own.DPoP.calculateThumbprint();
  const parameters = { scope: 'openid email offline_access MyBackendApi2', dpop_jkt: thumbprint };
  const tokens = await party.signIn(page, native, parameters, own);

  await test.step('the access token names the key, and is worth nothing without it', async () => {
    expect(tokens.token_type).toBe('dpop');
    expect(claimsOf(tokens.access_token)['cnf']).toEqual({ jkt: thumbprint });
    const user = await oidc.fetchUserInfo(native, tokens.access_token, 'alice', own);
    expect(user).toMatchObject({ sub: 'alice', email: 'alice@example.com' });
    for (const stolen of [{}, other]) {
      const userInfo = oidc.fetchUserInfo(native, tokens.access_token, 'alice', stolen);
      await expect(userInfo).rejects.toMatchObject({ status: 401 });
      const call = oidc.fetchProtectedResource(
        native,
        tokens.access_token,
        api,
        'GET',
        null,
        undefined,
        stolen,
      );
      await expect(call).rejects.toMatchObject({ status: 401 });
    }
    const call = oidc.fetchProtectedResource(native, tokens.access_token, api, 'GET', null, undefined, own);
    expect((await call).status).toBe(200);
  });

  await test.step('so is the refresh token', async () => {
    const stolen = oidc.refreshTokenGrant(native, refreshTokenOf(tokens), {}, other);
    await expect(stolen).rejects.toMatchObject({ error: 'invalid_grant' });
    const unproven = oidc.refreshTokenGrant(native, refreshTokenOf(tokens));
    await expect(unproven).rejects.toMatchObject({ error: 'invalid_dpop_proof' });
    const renewed = await oidc.refreshTokenGrant(native, refreshTokenOf(tokens), {}, own);
    expect(renewed.token_type).toBe('dpop');
    expect(claimsOf(renewed.access_token)['cnf']).toEqual({ jkt: thumbprint });
  });
});

test('a code that is bound to a key is redeemed with that key alone', async ({ page }) => {
  const native = await party.discover('native', oidc.None());
  const own = await newKey(native);
  const parameters = { dpop_jkt: await own.DPoP.calculateThumbprint() };
  const redeemed = party.signIn(page, native, parameters, await newKey(native));
  await expect(redeemed).rejects.toMatchObject({ error: 'invalid_grant' });
});

test('requests are pushed, and proofs carry the nonce that the provider asks for', async ({ page }) => {
  const web = await party.discover('web', oidc.ClientSecretBasic('secret'));
  const own = await newKey(web);
  const answers: string[] = [];
  web[oidc.customFetch] = async (url, options) => {
    const answer = await fetch(url, options as RequestInit);
    answers.push(`${new URL(url).pathname} ${answer.status}`);
    return answer;
  };
  const { parameters, checks } = await party.newSignIn({ scope: 'openid email offline_access' });

  await test.step('the address has nothing but the reference', async () => {
    const url = await oidc.buildAuthorizationUrlWithPAR(web, parameters, own);
    expect([...url.searchParams.keys()].toSorted()).toEqual(['client_id', 'request_uri']);
    await page.goto(url.href);
    await new LoginPage(page).submit('alice', 'alice');
  });

  const tokens = await test.step('a proof without the nonce is sent back once', async () => {
    const response = await party.next();
    const tokens = await oidc.authorizationCodeGrant(web, response, checks, undefined, own);
    expect(tokens.claims()?.sub).toBe('alice');
    await oidc.refreshTokenGrant(web, refreshTokenOf(tokens), {}, own);
    expect(answers.filter((answer) => answer.endsWith(' 400'))).toHaveLength(1);
    expect(answers.filter((answer) => answer === '/connect/token 200')).toHaveLength(2);
    return tokens;
  });

  expect(await oidc.fetchUserInfo(web, tokens.access_token, 'alice', own)).toMatchObject({ sub: 'alice' });
});

test('a pushed request binds the code to the key that it was proven with', async ({ page }) => {
  const web = await party.discover('web', oidc.ClientSecretBasic('secret'));
  const { parameters, checks } = await party.newSignIn();
  await page.goto((await oidc.buildAuthorizationUrlWithPAR(web, parameters, await newKey(web))).href);
  await new LoginPage(page).submit('alice', 'alice');
  const other = await newKey(web);
  const redeemed = oidc.authorizationCodeGrant(web, await party.next(), checks, undefined, other);
  await expect(redeemed).rejects.toMatchObject({ error: 'invalid_grant' });
});

test('who must push can not do without, and a reference serves one sign-in', async ({
  page,
  expectConsoleError,
}) => {
  // The browser's own line about the error page.
  expectConsoleError(/\/connect\/authorize\?request_uri=.*status of 400/);
  const web = await party.discover('web', oidc.ClientSecretBasic('secret'));
  const { parameters } = await party.newSignIn();
  await page.goto(oidc.buildAuthorizationUrl(web, parameters).href);
  const refused = new URL((await party.next()).url);
  expect(refused.searchParams.get('error')).toBe('invalid_request');

  const url = await oidc.buildAuthorizationUrlWithPAR(web, parameters, await newKey(web));
  await page.goto(url.href);
  await new LoginPage(page).submit('alice', 'alice');
  expect(new URL((await party.next()).url).searchParams.has('code')).toBe(true);
  await page.goto(url.href);
  await expect(page.getByRole('alert')).toBeVisible();
});

test('a client without a secret proves who it is by its signature', async ({ page }) => {
  const signing = await party.discover('signing', oidc.PrivateKeyJwt(await importedKey()));
  const own = await newKey(signing);
  const { parameters, checks } = await party.newSignIn({ scope: 'openid email offline_access' });
  await page.goto((await oidc.buildAuthorizationUrlWithPAR(signing, parameters, own)).href);
  await new LoginPage(page).submit('alice', 'alice');
  const tokens = await oidc.authorizationCodeGrant(signing, await party.next(), checks, undefined, own);
  expect(tokens.claims()).toMatchObject({ sub: 'alice', aud: 'signing' });
  const renewed = await oidc.refreshTokenGrant(signing, refreshTokenOf(tokens), {}, own);
  const told = await oidc.tokenIntrospection(signing, renewed.access_token);
  expect(told).toMatchObject({ active: true, sub: 'alice', client_id: 'signing' });
  await oidc.tokenRevocation(signing, refreshTokenOf(renewed));
  const dead = oidc.refreshTokenGrant(signing, refreshTokenOf(renewed), {}, own);
  await expect(dead).rejects.toMatchObject({ error: 'invalid_grant' });

  const { privateKey } = await oidc.randomDPoPKeyPair('ES256');
  const forging = await party.discover('signing', oidc.PrivateKeyJwt(privateKey));
  const refused = oidc.clientCredentialsGrant(forging, { scope: 'MyBackendApi2' }, await newKey(forging));
  await expect(refused).rejects.toMatchObject({ status: 401 });
});

test('a bank is held to FAPI 2.0, and keeps its refresh token', async ({ page }) => {
  const metadata = { id_token_signed_response_alg: 'ES256' };
  const bank = await party.discover('bank', oidc.PrivateKeyJwt(await importedKey()), metadata);
  const own = await newKey(bank);
  const { parameters, checks } = await party.newSignIn({ scope: 'openid offline_access MyBackendApi2' });
  await page.goto((await oidc.buildAuthorizationUrlWithPAR(bank, parameters, own)).href);
  await new LoginPage(page).submit('alice', 'alice');
  const tokens = await oidc.authorizationCodeGrant(bank, await party.next(), checks, undefined, own);
  expect(tokens.claims()).toMatchObject({ sub: 'alice', aud: 'bank' });
  const renewed = await oidc.refreshTokenGrant(bank, refreshTokenOf(tokens), {}, own);
  expect(refreshTokenOf(renewed)).toBe(refreshTokenOf(tokens));
  // Signed by ES256, which is not what the provider signs with for others; the API knows the key all the same.
  const call = oidc.fetchProtectedResource(bank, renewed.access_token, api, 'GET', null, undefined, own);
  expect((await call).status).toBe(200);
  expect(await oidc.fetchUserInfo(bank, renewed.access_token, 'alice', own)).toMatchObject({ sub: 'alice' });

  // Without pushing it there is no sign-in.
  await page.goto(oidc.buildAuthorizationUrl(bank, parameters).href);
  expect(new URL((await party.next()).url).searchParams.get('error')).toBe('invalid_request');
});

test('every message of a bank is signed, in both directions', async ({ page }) => {
  const metadata = {
    id_token_signed_response_alg: 'ES256',
    authorization_signed_response_alg: 'ES256',
    userinfo_signed_response_alg: 'ES256',
    introspection_signed_response_alg: 'ES256',
  };
  const authentication = oidc.PrivateKeyJwt(await importedKey());
  const messages = await party.discover('messages', authentication, metadata);
  oidc.useJwtResponseMode(messages);
  const own = await newKey(messages);
  const { parameters, checks } = await party.newSignIn({ scope: 'openid email' });

  const made = await oidc.buildAuthorizationUrlWithJAR(messages, parameters, await importedKey());
  const request = made.searchParams.get('request') ?? '';
  const url = await oidc.buildAuthorizationUrlWithPAR(messages, { request }, own);
  await page.goto(url.href);
  await new LoginPage(page).submit('alice', 'alice');
  const response = await party.next();
  expect([...new URL(response.url).searchParams.keys()]).toEqual(['response']);
  const tokens = await oidc.authorizationCodeGrant(messages, response, checks, undefined, own);
  expect(tokens.claims()).toMatchObject({ sub: 'alice', aud: 'messages' });
  const user = await oidc.fetchUserInfo(messages, tokens.access_token, 'alice', own);
  expect(user).toMatchObject({ sub: 'alice', email: 'alice@example.com', aud: 'messages' });
  const told = await oidc.tokenIntrospection(messages, tokens.access_token);
  expect(told).toMatchObject({ active: true, sub: 'alice', client_id: 'messages' });

  // A plain request is refused, and so is an object that another key signed.
  const plain = oidc.buildAuthorizationUrlWithPAR(messages, parameters, own);
  await expect(plain).rejects.toMatchObject({ error: 'invalid_request' });
  const { privateKey } = await oidc.randomDPoPKeyPair('ES256');
  const forged = await new jose.SignJWT({ ...jose.decodeJwt(request), jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', typ: 'oauth-authz-req+jwt' })
    .sign(privateKey);
  const refused = oidc.buildAuthorizationUrlWithPAR(messages, { request: forged }, own);
  await expect(refused).rejects.toMatchObject({ error: 'invalid_request_object' });
});

test('an application signs its requests and sends them through the browser', async ({ page }) => {
  const objects = await party.discover('objects', oidc.ClientSecretBasic('secret'));
  const { parameters, checks } = await party.newSignIn({ scope: 'openid email' });
  const url = await oidc.buildAuthorizationUrlWithJAR(objects, parameters, await importedKey());
  await page.goto(url.href);
  // The object has ended long before some users have found their password.
  expect(new URL(page.url()).searchParams.get('return_url')).toContain('request_uri');
  await new LoginPage(page).submit('alice', 'alice');
  const tokens = await oidc.authorizationCodeGrant(objects, await party.next(), checks);
  expect(tokens.claims()).toMatchObject({ sub: 'alice', aud: 'objects' });
});

test('proofs are made by keys of every kind', async () => {
  const service = await party.discover('service', oidc.ClientSecretBasic('secret'));
  const algorithms = service.serverMetadata().dpop_signing_alg_values_supported ?? [];
  expect(algorithms).toEqual(expect.arrayContaining(['ES256', 'EdDSA', 'PS256', 'RS256']));
  for (const algorithm of algorithms) {
    const own = await newKey(service, algorithm);
    const tokens = await oidc.clientCredentialsGrant(service, { scope: 'MyBackendApi2' }, own);
    expect(tokens.token_type, algorithm).toBe('dpop');

    const api = await party.discover('MyBackendApi2', oidc.ClientSecretBasic('secret'));
    expect(await oidc.tokenIntrospection(api, tokens.access_token)).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: await own.DPoP.calculateThumbprint() },
    });
  }
});

/** A key of the client's own, as the option that requests take. */
async function newKey(client: oidc.Configuration, algorithm = 'ES256') {
  return { DPoP: oidc.getDPoPHandle(client, await oidc.randomDPoPKeyPair(algorithm)) };
}

/** The key by which a client signs its assertions. */
function importedKey(): Promise<CryptoKey> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  return crypto.subtle.importKey('jwk', signingKey, algorithm, false, ['sign']);
}
