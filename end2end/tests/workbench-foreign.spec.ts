// Our client with a provider that we did not write, oidc-provider: popups from which it cuts the opener off, pushed
// requests, and tokens that are bound to a key.
import type { Page, Request } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { serveForeignProvider, signInAndConsent, withoutFonts } from '../support/foreign-provider.ts';
import { foreignWorkbench } from '../support/instances.ts';
import { claimsOf } from '../support/jwt.ts';
import { expect, test } from '../support/test.ts';
import { serveWorkbench, settingsOf, Workbench, type Settings } from '../support/workbench.ts';

const { app, page: origin, provider } = foreignWorkbench;
const api = `${app}/api/DemoPolicyBased/Admin/Get`;
const settings = (more: Settings = {}) =>
  settingsOf(origin, provider, { scope: 'openid profile MyBackendApi2', api, ...more });

let server: Doorward;
const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  const redirect_uris = [`${origin}/callback`, `${origin}/popup`, `${origin}/silent`];
  const client = {
    token_endpoint_auth_method: 'none' as const,
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris,
    post_logout_redirect_uris: redirect_uris,
  };
  const clients = [
    { ...client, client_id: 'workbench' },
    {
      ...client,
      client_id: 'workbench-bound',
      dpop_bound_access_tokens: true,
      require_pushed_authorization_requests: true,
    },
  ];
  stops.push(await serveForeignProvider(foreignWorkbench, { clients, page: origin, cutsOpenerOff: true }));
  const { config } = foreignWorkbench;
  server = await Doorward.start({ origins: foreignWorkbench, config, roles: ['app', 'api'] });
  stops.push(await serveWorkbench(origin, settings()));
});
test.afterAll(async () => {
  await server?.stop();
  await Promise.all(stops.map((stop) => stop()));
});
test.beforeEach(({ context }) => withoutFonts(context));

test('a popup comes back although the provider cut it off from its opener', async ({ page }) => {
  const bench = new Workbench(page, origin);
  await bench.open();
  // The user is at the popup. Playwright makes every page believe that it has the focus.
  await page.evaluate(() => (document.hasFocus = () => false));
  const popup = await bench.popup('signin_popup');
  await popup.locator('input[name=login]').waitFor();
  expect(await popup.evaluate(() => opener), 'Cross-Origin-Opener-Policy').toBeNull();
  await signInAndConsent(popup, 'alice');
  await expect(bench.status).toHaveText(/^signed in alice/);
});

test('requests are pushed, and only their reference is carried by the browser', async ({ page }) => {
  const bench = new Workbench(page, origin);
  const pushes = requests(page, 'POST', '/request');
  const visits = requests(page, 'GET', '/auth');
  await bench.open(settings({ push_authorization_requests: true }));
  await bench.press('signin_redirect');
  await signInAndConsent(page, 'alice');
  await expect(bench.status).toHaveText(/^signed in alice/);
  expect(pushes).toHaveLength(1);
  expect([...new URL(visits[0]?.url() ?? '').searchParams.keys()]).toEqual(['client_id', 'request_uri']);
});

test('a pushed request that is refused is told about, and nothing is left', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/\/request: .*status of 400/);
  const bench = new Workbench(page, origin);
  const redirect_uri = `${origin}/unknown`;
  await bench.open(settings({ push_authorization_requests: true, redirect_uri }));
  await bench.pressAndExpect(
    'signin_redirect',
    /^Refused: pushed_authorization_request_endpoint refused: invalid_/,
  );
  expect(page.url()).toBe(`${origin}/`);
  const kept = await page.evaluate(() => Object.keys(localStorage));
  expect(kept).toEqual([]);
});

test('tokens are bound to a key of the browser: sign-in, API, renewal', async ({
  page,
  request,
  expectConsoleError,
}) => {
  // The browser's own lines about the answers that ask for a nonce.
  expectConsoleError(/\/(request|token): .*status of 400/);
  const bench = new Workbench(page, origin);
  await bench.open(settings({ client_id: 'workbench-bound', dpop: true, push_authorization_requests: true }));
  await bench.press('signin_redirect');
  await signInAndConsent(page, 'alice');
  await expect(bench.status).toHaveText(/^signed in alice/);
  const first = await bench.user();
  expect(first.token_type).toBe('DPoP');
  const bound = claimsOf(first.access_token)['cnf'];
  expect(bound).toEqual({ jkt: expect.stringMatching(/^[\w-]{43}$/) });

  await bench.pressAndExpect('call_api', /^200 /);
  const stolen = await request.get(api, { headers: { authorization: `Bearer ${first.access_token}` } });
  expect(stolen.status(), 'without the key').toBe(401);

  await bench.pressAndExpect('signin_silent', 'silently alice');
  const renewed = await bench.user();
  expect(renewed.access_token).not.toBe(first.access_token);
  expect(claimsOf(renewed.access_token)['cnf']).toEqual(bound);

  await test.step('a reload finds the same key', async () => {
    await page.reload();
    await expect(bench.status).toHaveText('ready');
    await bench.pressAndExpect('signin_silent', 'silently alice');
    expect(claimsOf((await bench.user()).access_token)['cnf']).toEqual(bound);
    await bench.pressAndExpect('call_api', /^200 /);
  });
});

/** Requests of this method to this path of the provider, from now on. */
function requests(page: Page, method: string, path: string): Request[] {
  const seen: Request[] = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (request.method() === method && url.origin === provider && url.pathname === path) seen.push(request);
  });
  return seen;
}
