// A server-rendered application (`examples/server-side`) with Doorward and with oidc-provider: tokens stay on the server,
// the browser has a cookie.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { startExample } from '../support/example.ts';
import { serveForeignProvider, signInAndConsent, withoutFonts } from '../support/foreign-provider.ts';
import { foreignServerSide, serverSide } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';

const { client: origin } = serverSide;
const foreignOrigin = foreignServerSide.client;
/** Another site than the provider's: the browser sends no cookies with forms from there. */
const posted = 'http://127.0.0.1:5924';

const folder = mkdtempSync(join(tmpdir(), 'doorward-server-side-'));
let server: Doorward;
const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  server = await Doorward.start({ origins: serverSide, config: serverSide.config });
  const client = {
    client_id: 'PkceCodeBackend',
    client_secret: 'secret',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [`${foreignOrigin}/signin-oidc`],
    post_logout_redirect_uris: [`${foreignOrigin}/signout-callback-oidc`],
  };
  stops.push(await serveForeignProvider(foreignServerSide, { clients: [client], page: foreignOrigin }));
  const sessions = `sqlite:${join(folder, 'sessions.sqlite3')}`;
  stops.push(
    await startExample('server-side', origin, {
      ORIGIN: origin,
      ISSUER: serverSide.provider,
      API: serverSide.app,
      SESSIONS: sessions,
    }),
    await startExample('server-side', posted, {
      ORIGIN: posted,
      ISSUER: serverSide.provider,
      CLIENT_ID: 'posted',
      API: serverSide.app,
      FORM_POST: '1',
      DPOP: '1',
    }),
    await startExample('server-side', foreignOrigin, {
      ORIGIN: foreignOrigin,
      ISSUER: foreignServerSide.provider,
      SESSIONS: `cookie:${'A'.repeat(43)}`,
      PUSH: '1',
      // Its access tokens are for the API alone.
      USER_INFO: '0',
    }),
  );
});
test.afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const user = (page: Page) => page.locator('#user');
const text = (page: Page) => page.locator('#text');

/** From a page that needs it through sign-in and consent, back to the page. */
async function signIn(page: Page, name: string, path = '/me'): Promise<void> {
  await page.goto(origin + path);
  await new LoginPage(page).submit(name, name);
  await page.locator('button[name=action][value=allow]').click();
  await expect(page).toHaveURL(origin + path);
}

test('sign in with consent, pages, policies, the API, sign out', async ({
  page,
  context,
  expectConsoleError,
}) => {
  await page.goto(origin);
  await expect(page.locator('main')).toContainText('You are not signed in.');
  await signIn(page, 'alice');
  await expect(user(page)).toHaveText('Alice Archer');

  await test.step('the browser has a cookie and no token', async () => {
    const cookies = (await context.cookies(origin)).filter(({ name }) => name === 'session');
    expect(cookies).toHaveLength(1);
    expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
    expect(cookies[0]?.value).toHaveLength(43);
    expect(await page.evaluate(() => ({ ...localStorage, ...sessionStorage }))).toEqual({});
  });

  await test.step('her role lets her in, and the API takes her token', async () => {
    await page.goto(`${origin}/admin`);
    await expect(text(page)).toHaveText('You meet AdminPolicy.');
    await page.goto(`${origin}/call`);
    await expect(text(page)).toHaveText('The API answered 200 OK.');
  });

  await test.step('the token is renewed on the server', async () => {
    // Two lifetimes of the token.
    const answers = [];
    for (const end = Date.now() + 20_000; Date.now() < end;) {
      await page.goto(`${origin}/call`);
      answers.push(await text(page).textContent());
    }
    expect(new Set(answers)).toEqual(new Set(['The API answered 200 OK.']));
  });

  await test.step('scripts call the API by the proxy, with the header only', async () => {
    const call = (headers: Record<string, string>) =>
      page.evaluate(
        async (headers) => (await fetch('/api/DemoPolicyBased/Admin/Get', { headers })).status,
        headers,
      );
    expect(await call({ 'X-CSRF': '1' })).toBe(200);
    expectConsoleError(/status of 403/);
    expect(await call({})).toBe(403);
  });

  await test.step('a form', async () => {
    await page.goto(origin);
    await page.locator('input[name=name]').fill('<b>World</b>');
    await page.locator('#greet').click();
    await expect(text(page)).toHaveText('Hello <b>World</b>!');
  });

  await test.step('sign out: Back shows nothing', async () => {
    await page.goto(`${origin}/me`);
    await page.locator('#signout').click();
    await page.waitForURL((url) => url.origin === serverSide.provider || url.pathname === '/');
    await page.goto(origin);
    await expect(page.locator('main')).toContainText('You are not signed in.');
    await page.goBack();
    await page.goBack().catch(() => undefined);
    await expect(user(page)).toHaveCount(0);
  });
});

test('a page of another site changes nothing', async ({ page, context }) => {
  await signIn(page, 'carol');
  const foreign = await context.newPage();
  await foreign.route('https://evil.example/', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<form method="post" action="${origin}/signout"><button>Win</button></form>`,
    }),
  );
  await foreign.goto('https://evil.example/');
  await foreign.locator('button').click();
  await foreign.waitForLoadState();
  await page.reload();
  await expect(user(page)).toHaveText('Carol Carter');
});

test('a policy refuses, and a sign-in that is too old is asked for again', async ({
  page,
  expectConsoleError,
}) => {
  await signIn(page, 'bob', '/recent');
  await expect(text(page)).toHaveText('You signed in a moment ago.');
  expectConsoleError(/status of 403/);
  const refused = await page.goto(`${origin}/admin`);
  expect(refused?.status()).toBe(403);
  await expect(page.getByRole('alert')).toContainText('needs role admin');
});

test('a sign-in elsewhere in the browser ends here, too: back-channel logout', async ({ page }) => {
  await signIn(page, 'dave');
  await page.goto(`${serverSide.provider}/account/logout`);
  await page.locator('button[name=action]').first().click();
  await expect
    .poll(async () => {
      await page.goto(origin);
      return page.locator('main').textContent();
    })
    .toContain('You are not signed in.');
});

test('a response that is posted from another site, and tokens that are bound to a key', async ({ page }) => {
  const urls: string[] = [];
  page.on('request', (request) => urls.push(request.url()));
  await page.goto(`${posted}/me?x=1`);
  await new LoginPage(page).submit('alice', 'alice');
  await expect(page).toHaveURL(`${posted}/me?x=1`);
  await expect(user(page)).toHaveText('Alice Archer');
  expect(urls.filter((url) => url.startsWith(posted) && /[?&](code|state)=/.test(url))).toEqual([]);
  const back = urls.filter((url) => url.startsWith(`${posted}/signin-oidc?`));
  expect(back).toEqual([expect.stringMatching(/\?posted=[\w-]{22,}$/)]);
  await page.goto(`${posted}/call`);
  await expect(text(page)).toHaveText('The API answered 200 OK.');
  const status = await page.evaluate(
    async () => (await fetch('/api/DemoPolicyBased/Admin/Get', { headers: { 'X-CSRF': '1' } })).status,
  );
  expect(status).toBe(200);
  // A second sign-in, by a form that comes while the session's cookie is there.
  await page.goto(`${posted}/signin`);
  await expect(page).toHaveURL(`${posted}/`);
  await page.goto(`${posted}/me`);
  await expect(user(page)).toHaveText('Alice Archer');
});

test.describe('with oidc-provider, sessions in cookies, and pushed requests', () => {
  test.beforeEach(({ context }) => withoutFonts(context));

  test('sign in, a policy, sign out', async ({ page }) => {
    await page.goto(`${foreignOrigin}/me`);
    expect([...new URL(page.url()).searchParams.keys()]).not.toContain('scope');
    await signInAndConsent(page, 'alice');
    await expect(user(page)).toHaveText('alice of the foreign provider');
    await page.goto(`${foreignOrigin}/admin`);
    await expect(text(page)).toHaveText('You meet AdminPolicy.');
    await page.goto(foreignOrigin);
    await page.locator('#signout').click();
    await page.getByRole('button', { name: 'Yes, sign me out' }).click();
    await expect(page.locator('main')).toContainText('You are not signed in.');
  });
});
