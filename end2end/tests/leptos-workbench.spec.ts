// What the Leptos layer can do beside the usual, on `examples/leptos-workbench`: several sign-ins in one page, responses
// that are left to another program, and calls of any kind.
import { Api } from '../support/api.ts';
import { tokenRequests } from '../support/application.ts';
import { Doorward } from '../support/doorward.ts';
import { serveForeignProvider, signInAndConsent, withoutFonts } from '../support/foreign-provider.ts';
import { leptosWorkbench } from '../support/instances.ts';
import { claimsOf } from '../support/jwt.ts';
import { LeptosWorkbench, serveLeptosWorkbench } from '../support/leptos-workbench.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';
import { settingsOf } from '../support/workbench.ts';

const { api: apiOrigin, app, bank, boundPage, page: origin, provider } = leptosWorkbench;
const orders = `${apiOrigin}/orders`;
/** How the other provider calls its users. */
const erin = 'erin of the foreign provider';

let api: Api;
const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  const server = await Doorward.start({ origins: leptosWorkbench, config: leptosWorkbench.config });
  stops.push(() => server.stop());
  const client = {
    client_id: 'leptos-bank',
    token_endpoint_auth_method: 'none' as const,
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [`${origin}/callback`],
    post_logout_redirect_uris: [`${origin}/callback`],
  };
  stops.push(await serveForeignProvider({ app, provider: bank }, { clients: [client], page: origin }));
  stops.push(
    await serveLeptosWorkbench(origin, {
      page: settingsOf(origin, provider, { client_id: 'leptos-page' }),
      shop: settingsOf(origin, provider, { client_id: 'leptos-shop' }),
      bank: settingsOf(origin, bank, { client_id: 'leptos-bank', scope: 'openid profile offline_access' }),
    }),
    await serveLeptosWorkbench(boundPage, {
      page: settingsOf(boundPage, provider, { client_id: 'leptos-bound', dpop: true }),
    }),
  );
  api = await Api.start(apiOrigin);
  stops.push(() => api.stop());
});
test.afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
});
test.beforeEach(({ context }) => withoutFonts(context));

/** Signs alice in at the page's own sign-in. */
async function signIn(bench: LeptosWorkbench): Promise<void> {
  await bench.open();
  await bench.button('page', 'Sign in').click();
  await new LoginPage(bench.page).submit('alice', 'alice');
  await expect(bench.user('page')).toHaveText('alice');
}

test('a page has several sign-ins, as two clients of one provider and at another one', async ({
  page,
  context,
}) => {
  const bench = new LeptosWorkbench(page, origin);
  await bench.open();

  await test.step('each begins and ends at its own', async () => {
    await bench.button('shop', 'Sign in').click();
    await new LoginPage(page).submit('alice', 'alice');
    await expect(bench.user('shop')).toHaveText('alice');
    await expect(page).toHaveURL(`${origin}/callback`);
    await expect(bench.button('page', 'Sign in')).toBeVisible();
    await expect(bench.button('bank', 'Sign in')).toBeVisible();

    await bench.button('bank', 'Sign in').click();
    await signInAndConsent(page, 'erin');
    await expect(bench.user('bank')).toHaveText(erin);
    await expect(bench.user('shop')).toHaveText('alice');
    await expect(bench.button('page', 'Sign in')).toBeVisible();
  });

  await test.step('two clients of one provider may have two users', async () => {
    await context.clearCookies();
    await bench.button('page', 'Sign in').click();
    await new LoginPage(page).submit('carol', 'carol');
    await expect(bench.user('page')).toHaveText('carol');
    await page.reload();
    await expect(bench.user('page')).toHaveText('carol');
    await expect(bench.user('shop')).toHaveText('alice');
    await expect(bench.user('bank')).toHaveText(erin);
  });

  await test.step('and a sign-out is that of one', async () => {
    await bench.button('page', 'Sign out').click();
    await expect(bench.button('page', 'Sign in')).toBeVisible();
    await expect(bench.user('shop')).toHaveText('alice');
    await expect(bench.user('bank')).toHaveText(erin);
    await bench.button('shop', 'Sign out here').click();
    await expect(bench.button('shop', 'Sign in')).toBeVisible();
    await page.reload();
    await expect(bench.user('bank')).toHaveText(erin);
    await expect(bench.button('shop', 'Sign in')).toBeVisible();
  });
  for (const alert of await page.getByRole('alert').all()) await expect(alert).toBeEmpty();
});

test('a response at a path that is left to another program stays in the address', async ({
  page,
  expectConsoleError,
}) => {
  // The page's program is kept from running until the response is in the address of another page.
  expectConsoleError(/leptos-workbench\.js.*ERR_FAILED/);
  const program = `${origin}/leptos-workbench.js`;
  const bench = new LeptosWorkbench(page, origin);
  await bench.open();
  await bench.button('page', 'Sign in').click();
  const login = new LoginPage(page);
  await login.expectOpen(provider);
  await page.route(program, (route) => route.abort());
  await login.submit('alice', 'alice');
  await page.waitForURL((url) => url.pathname === '/callback' && url.searchParams.has('code'));
  await page.unroute(program);
  const { search } = new URL(page.url());

  const redeemed = tokenRequests(page);
  await page.goto(`${origin}/calendar${search}`);
  await expect(bench.button('page', 'Sign in')).toBeVisible();
  await expect(page).toHaveURL(`${origin}/calendar${search}`);
  await expect(page.locator('#page').getByRole('alert')).toBeEmpty();
  expect(redeemed).toEqual([]);

  // It is as good as before where nothing is left alone.
  await page.goto(`${origin}/callback${search}`);
  await expect(bench.user('page')).toHaveText('alice');
  await expect(page).toHaveURL(`${origin}/callback`);
  expect(redeemed).toHaveLength(1);
});

test('fetch sends a form with a file and the token, and reads bytes', async ({ page }) => {
  const bench = new LeptosWorkbench(page, origin);
  await signIn(bench);
  api.expect({ status: 201, body: Buffer.from([0, 0x7f, 0x80, 0xff]) });
  await bench.press('upload', orders);
  await expect(bench.outcome).toHaveText('201 [00, 7f, 80, ff]');
  const [request] = api.arrived;
  expect(api.arrived).toHaveLength(1);
  const [scheme, token] = (request?.headers.authorization ?? '').split(' ');
  expect([scheme, claimsOf(token ?? '')['sub']]).toEqual(['Bearer', 'alice']);
  expect(request?.method).toBe('POST');
  expect(request?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
  const body = request?.body ?? Buffer.alloc(0);
  expect(body.includes('filename="four.bin"')).toBe(true);
  expect(body.includes(Buffer.from([0, 0x80, 0xfe, 0xff]))).toBe(true);
  expect(body.includes('Four bytes')).toBe(true);
});

test('fetch renews a token that the API refuses, and sends the file once more', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/orders: .*status of 401/);
  const bench = new LeptosWorkbench(page, origin);
  await signIn(bench);
  const renewals = tokenRequests(page, 'refresh_token');
  const refusal = { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
  api.expect(refusal, { status: 200 });
  await bench.press('upload', orders);
  await expect(bench.outcome).toHaveText('200 []');
  expect(renewals).toHaveLength(1);
  const [first, second] = api.arrived;
  expect(api.arrived).toHaveLength(2);
  expect(second?.headers.authorization).toMatch(/^Bearer /);
  expect(second?.headers.authorization).not.toBe(first?.headers.authorization);
  expect(second?.body.includes(Buffer.from([0, 0x80, 0xfe, 0xff]))).toBe(true);

  await test.step('but not for ever', async () => {
    api.expect(refusal);
    await bench.press('fetch', orders);
    await expect(bench.outcome).toHaveText('401 []');
    expect(api.arrived).toHaveLength(2);
  });
});

test('fetch asks nobody without a user', async ({ page }) => {
  const bench = new LeptosWorkbench(page, origin);
  await bench.open();
  api.expect({ status: 200 });
  await bench.press('fetch', orders);
  await expect(bench.outcome).toHaveText('SignIn: no user is signed in');
  expect(api.arrived).toEqual([]);
});

test('fetch tells of a sign-in that the API needs, and is repeated after it', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/orders: .*status of 401/);
  const bench = new LeptosWorkbench(page, origin);
  await signIn(bench);
  const challenge = 'Bearer error="insufficient_user_authentication", max_age="0"';
  api.expect({ status: 401, headers: { 'www-authenticate': challenge } }, { status: 200, body: 'ok' });
  await bench.press('fetch', orders);
  await expect(bench.outcome).toHaveText(/^StepUp: /);
  const authorized = page.waitForRequest((request) => request.url().includes('/connect/authorize?'));
  await page.locator('#step_up').click();
  expect(new URL((await authorized).url()).searchParams.get('max_age')).toBe('0');
  await new LoginPage(page).submit('alice', 'alice');
  await expect(bench.outcome).toHaveText('200 [6f, 6b]');
  expect(api.arrived).toHaveLength(2);
});

test('fetch proves the key that the token is bound to', async ({ page, expectConsoleError }) => {
  // The browser's own line about an answer that asks for a nonce.
  expectConsoleError(/\/connect\/token: .*status of 400/);
  const bench = new LeptosWorkbench(page, boundPage);
  await signIn(bench);
  const url = `${app}/api/DemoPolicyBased/Admin/Get`;
  const called = page.waitForRequest((request) => request.url() === url && request.method() === 'GET');
  await bench.press('fetch', url);
  await expect(bench.outcome).toHaveText(/^200 \[/);
  const headers = await (await called).allHeaders();
  expect(headers['authorization']).toMatch(/^DPoP /);
  expect(claimsOf(headers['dpop'] ?? '')).toMatchObject({ htm: 'GET', htu: url });
});

test('fetch is stopped by its signal, and by the time-out of one', async ({ page, expectConsoleError }) => {
  expectConsoleError(/orders/);
  const bench = new LeptosWorkbench(page, origin);
  await signIn(bench);
  api.expect('none');
  const failed = page.waitForEvent('requestfailed', (request) => request.url() === orders);
  await bench.press('fetch_until_stopped', orders);
  await expect.poll(() => api.arrived.length).toBe(1);
  await expect(bench.outcome).toHaveText('…');
  await page.locator('#stop').click();
  await failed;
  await expect(bench.outcome).toHaveText(/^Retry: .*: the connection failed: .*abort/);

  await bench.press('fetch_for_a_while', orders);
  await expect(bench.outcome).toHaveText(`Retry: ${orders}: no answer in time`);
  expect(api.arrived, 'nothing is repeated').toHaveLength(2);
});

test('a call gives up after a time-out of its own, and the next one is as good as ever', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/orders/);
  const bench = new LeptosWorkbench(page, origin);
  await signIn(bench);
  api.expect('none');
  const failed = page.waitForEvent('requestfailed', (request) => request.url() === orders);
  await bench.press('call_for_a_while', orders);
  await expect(bench.outcome).toHaveText(`Retry: ${orders}: no answer in time`);
  await failed;
  api.expect({ status: 200, body: 'two orders' });
  await bench.press('call', orders);
  await expect(bench.outcome).toHaveText('200 two orders');
  await expect(bench.user('page')).toHaveText('alice');
});
