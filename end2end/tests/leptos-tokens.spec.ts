// A Leptos application whose tokens are in the browser (`examples/leptos-tokens`): its server functions know the user by
// the token that each call carries.
import { decodeJwt } from 'jose';
import type { Page, Request } from '@playwright/test';
import { tokenRequests } from '../support/application.ts';
import { Doorward } from '../support/doorward.ts';
import { startExample } from '../support/example.ts';
import { leptosTokens } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';

const { client: origin } = leptosTokens;
const path = '/api/orders/close';

const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  const server = await Doorward.start({ origins: leptosTokens, config: leptosTokens.config });
  stops.push(() => server.stop());
  // Where `script/templates` puts the program for the browser.
  const env = {
    ORIGIN: origin,
    ISSUER: leptosTokens.provider,
    LEPTOS_SITE_ROOT: 'target/templates/leptos-tokens',
  };
  stops.push(await startExample('leptos-tokens', origin, env));
});
test.afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
});

const outcome = (page: Page) => page.locator('#outcome');

async function signIn(page: Page, name: string): Promise<void> {
  await page.goto(origin);
  await page.locator('#signin').click();
  await new LoginPage(page).submit(name, name);
  await expect(page.locator('#user')).toBeVisible();
}

/** Presses the button, and gives the call of the server function. */
async function close(page: Page): Promise<Request> {
  const [answer] = await Promise.all([
    page.waitForResponse((response) => new URL(response.url()).pathname === path),
    page.locator('#close').click(),
  ]);
  return answer.request();
}

test('a server function knows the user by the token of the page', async ({ page }) => {
  await signIn(page, 'alice');
  const call = await close(page);
  await expect(outcome(page)).toHaveText('Alice Archer closed order 7.');
  const [scheme, token] = ((await call.headerValue('authorization')) ?? '').split(' ');
  expect(scheme).toBe('Bearer');
  expect(decodeJwt(token ?? '')).toMatchObject({ iss: leptosTokens.provider, aud: origin, sub: 'alice' });
});

test('the policy of the function refuses a user', async ({ page, expectConsoleError }) => {
  await signIn(page, 'bob');
  expectConsoleError(/status of 403/);
  const call = await close(page);
  expect((await call.response())?.status()).toBe(403);
  await expect(outcome(page)).toHaveText('This did not work: the user needs department Sales.');
});

test('without a user the call has no token, and is refused', async ({ page, expectConsoleError }) => {
  await page.goto(origin);
  await expect(page.locator('#signin')).toBeVisible();
  expectConsoleError(/status of 401/);
  const call = await close(page);
  expect(await call.headerValue('authorization')).toBeNull();
  const answer = await call.response();
  expect(answer?.status()).toBe(401);
  expect(await answer?.headerValue('www-authenticate')).toMatch(/^Bearer realm=/);
  await expect(outcome(page)).toHaveText('This did not work: nobody is signed in.');
});

test('a token that the server refuses is renewed, and the call repeated', async ({
  page,
  expectConsoleError,
}) => {
  await signIn(page, 'alice');
  const renewals = tokenRequests(page, 'refresh_token');
  expectConsoleError(/status of 401/);
  const bodies: (string | null)[] = [];
  await page.route(`${origin}${path}`, async (route) => {
    const request = route.request();
    bodies.push(request.postData());
    const headers = bodies.length === 1 ? { authorization: 'Bearer made-up' } : {};
    await route.continue({ headers: { ...request.headers(), ...headers } });
  });
  await page.locator('#close').click();
  await expect(outcome(page)).toHaveText('Alice Archer closed order 7.');
  expect(bodies).toEqual(['order=7', 'order=7']);
  expect(renewals).toHaveLength(1);
});
