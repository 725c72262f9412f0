// Our application and our API with a provider that we did not write: oidc-provider.
import { Application, tokenRequests } from '../support/application.ts';
import { Doorward } from '../support/doorward.ts';
import {
  algorithms,
  serveForeignProvider,
  signInAndConsent,
  withoutFonts,
} from '../support/foreign-provider.ts';
import { oidcProvider } from '../support/instances.ts';
import { claimsOf } from '../support/jwt.ts';
import { expect, test } from '../support/test.ts';

let server: Doorward;
let stopProvider: () => Promise<void>;
test.beforeAll(async () => {
  stopProvider = await serveForeignProvider(oidcProvider);
  const { config } = oidcProvider;
  server = await Doorward.start({ origins: oidcProvider, config, roles: ['app', 'api'] });
});
test.afterAll(async () => {
  await server?.stop();
  await stopProvider?.();
});

test.beforeEach(({ context }) => withoutFonts(context));

const route = '/api/DemoPolicyBased/Admin/Get';

test('sign in, call the API, reload, renew, sign out', async ({ page, request }) => {
  const app = new Application(page, oidcProvider);
  const renewals = tokenRequests(page, 'refresh_token');
  await app.open();
  await app.expectSignedOut();

  await test.step('sign in', async () => {
    await app.signIn.click();
    await signInAndConsent(page, 'alice');
    await app.expectSignedInAs('alice', 'alice of the foreign provider');
    expect(new URL(page.url()).search).toBe('');
  });

  const first = (await app.accessToken.textContent()) ?? '';
  await test.step('the tokens are those of the foreign provider', async () => {
    const { provider } = oidcProvider;
    expect(claimsOf((await app.idToken.textContent()) ?? '')).toMatchObject({
      iss: provider,
      aud: 'page',
      sub: 'alice',
    });
    expect(claimsOf(first)).toMatchObject({
      iss: provider,
      aud: 'MyBackendApi2',
      sub: 'alice',
      role: ['admin'],
    });
  });

  await test.step('our API takes the token', async () => {
    expect((await app.call(route)).status()).toBe(200);
  });

  await test.step('a reload keeps her signed in', async () => {
    await page.reload();
    await app.expectSignedInAs('alice', 'alice of the foreign provider');
  });

  await test.step('the page renews, each time with the refresh token of the time before', async () => {
    const ask = () =>
      request.get(oidcProvider.app + route, { headers: { authorization: `Bearer ${first}` } });
    await expect.poll(async () => (await ask()).status()).toBe(401);
    await expect.poll(() => renewals.length).toBeGreaterThan(1);
    const spent = renewals.map((renewal) =>
      new URLSearchParams(renewal.postData() ?? '').get('refresh_token'),
    );
    expect(new Set(spent).size).toBe(spent.length);
    await expect(app.accessToken).not.toHaveText(first);
    expect((await app.call(route)).status()).toBe(200);
    await expect(app.error).toBeHidden();
  });

  await test.step('sign out and come back', async () => {
    await app.signOut.click();
    await page.getByRole('button', { name: 'Yes, sign me out' }).click();
    await app.expectSignedOut();
    await expect(app.error).toBeHidden();
  });

  await test.step('the next sign-in asks who she is', async () => {
    await app.signIn.click();
    await signInAndConsent(page, 'bob');
    await app.expectSignedInAs('bob', 'bob of the foreign provider');
  });
});

for (const algorithm of algorithms) {
  test(`an ID token that is signed by ${algorithm}`, async ({ page }) => {
    await page.route('**/config.json', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: { ...(await answer.json()), client_id: algorithm } });
    });
    const app = new Application(page, oidcProvider);
    await app.open();
    await app.signIn.click();
    await signInAndConsent(page, 'alice');
    await app.expectSignedInAs('alice', 'alice of the foreign provider');
    const idToken = (await app.idToken.textContent()) ?? '';
    expect(JSON.parse(Buffer.from(idToken.split('.')[0] ?? '', 'base64url').toString()).alg).toBe(algorithm);
  });
}

test('a sign-in that is cancelled there is told about here', async ({ page }) => {
  const app = new Application(page, oidcProvider);
  await app.open();
  await app.signIn.click();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await app.expectSignedOut();
  await expect(app.error).toBeVisible();
});
