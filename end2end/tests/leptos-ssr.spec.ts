// A Leptos application that the server renders (`templates/leptos-ssr`), with Doorward and with oidc-provider: the first
// HTML has the user, and the browser takes over without a flash.
import type { Page } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { startExample } from '../support/example.ts';
import { serveForeignProvider, signInAndConsent, withoutFonts } from '../support/foreign-provider.ts';
import { foreignLeptosSsr, leptosSsr } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';

const { client: origin } = leptosSsr;
const { client: foreignOrigin } = foreignLeptosSsr;

/** Where `script/templates` puts the program for the browser. */
const site = 'target/templates/leptos-ssr';

const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  const server = await Doorward.start({ origins: leptosSsr, config: leptosSsr.config });
  stops.push(() => server.stop());
  const client = {
    client_id: 'leptos-ssr',
    client_secret: 'secret',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: [`${foreignOrigin}/signin-oidc`],
    post_logout_redirect_uris: [`${foreignOrigin}/signout-callback-oidc`],
  };
  stops.push(await serveForeignProvider(foreignLeptosSsr, { clients: [client], page: foreignOrigin }));
  const start = (origin: string, env: Record<string, string>) =>
    startExample('leptos-ssr', origin, { ORIGIN: origin, LEPTOS_SITE_ROOT: site, ...env });
  stops.push(await start(origin, { ISSUER: leptosSsr.provider }));
  // Its access tokens are for an API alone.
  stops.push(await start(foreignOrigin, { ISSUER: foreignLeptosSsr.provider, USER_INFO: '0' }));
});
test.afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
});

const user = (page: Page) => page.locator('#user');
const greeting = (page: Page) => page.locator('#greeting');
const outcome = (page: Page) => page.locator('#outcome');

/** Presses a button until the page answers: before hydration it does nothing. */
async function press(page: Page, id: string, answered: () => Promise<void>): Promise<void> {
  await expect(async () => {
    // A slow page may have answered the last time meanwhile, and left.
    await page
      .locator(id)
      .click({ timeout: 5_000 })
      .catch(() => undefined);
    await answered();
  }).toPass();
}

/** Signs in from the start page. */
async function signIn(page: Page, name: string): Promise<void> {
  await page.goto(origin);
  await expect(greeting(page)).toHaveText('You are not signed in.');
  await press(page, '#signin', () => page.waitForURL(`${leptosSsr.provider}/**`, { timeout: 10_000 }));
  await new LoginPage(page).submit(name, name);
  await expect(page).toHaveURL(`${origin}/`);
}

// A hydration that does not fit is a warning in the console.
let complaints: string[];
test.beforeEach(({ page }) => {
  complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'warning') complaints.push(message.text());
  });
});
test.afterEach(() => expect(complaints, 'warnings in the console').toEqual([]));

test('the first HTML has the user, and hydration moves nothing', async ({ page }) => {
  await signIn(page, 'alice');
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(globalThis, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value);
    }).observe({ type: 'layout-shift', buffered: true });
  });
  const answer = await page.goto(`${origin}/orders`);
  const html = (await answer?.text()) ?? '';
  expect(html).toContain('<strong id="user">Alice Archer</strong>');
  expect(html).toContain('Close order 7');
  expect(html, 'tokens stay on the server').not.toContain('eyJ');
  expect(answer?.headers()['cache-control']).toBe('no-store');

  await test.step('the page works: a server function answers', async () => {
    await press(page, '#close', () =>
      expect(outcome(page)).toHaveText('Alice Archer closed order 7.', { timeout: 10_000 }),
    );
    await expect(user(page)).toHaveText('Alice Archer');
  });

  await test.step('links go on without loading a document', async () => {
    await page.evaluate(() => Object.assign(globalThis, { isTheSame: true }));
    await page.getByRole('link', { name: 'Start page' }).click();
    await expect(greeting(page)).toHaveText('Welcome, Alice Archer');
    expect(await page.evaluate(() => 'isTheSame' in globalThis)).toBe(true);
  });
  const shifts = await page.evaluate(() => (globalThis as unknown as { shifts: number[] }).shifts);
  expect(shifts, 'layout shifts').toEqual([]);

  await test.step('sign out: Back shows nothing', async () => {
    await page.locator('#signout').click();
    await expect(page).toHaveURL(`${origin}/`);
    await expect(greeting(page)).toHaveText('You are not signed in.');
    await page.goBack();
    await expect(user(page)).toHaveCount(0);
  });
});

test('a protected route leads to the sign-in, and back to itself', async ({ page, request }) => {
  const headers = { accept: 'text/html' };
  const answer = await request.get(`${origin}/orders?page=2`, { headers, maxRedirects: 0 });
  expect(answer.status()).toBe(302);
  expect(answer.headers()['location']).toBe('/signin?return_to=%2Forders%3Fpage%3D2');
  expect(await answer.text()).not.toContain('Close order');
  await page.goto(`${origin}/orders?page=2`);
  await new LoginPage(page).submit('carol', 'carol');
  await expect(page).toHaveURL(`${origin}/orders?page=2`);
  await expect(user(page)).toHaveText('Carol Carter');
});

test('the page hides what the server refuses', async ({ page, expectConsoleError }) => {
  await signIn(page, 'bob');
  await page.getByRole('link', { name: 'Orders' }).click();
  await expect(page.locator('main')).toContainText('Only sales closes orders.');
  expectConsoleError(/status of 403/);
  const refused = await close(page);
  expect(refused).toMatchObject({ status: 403, challenge: null });
  expect(refused.text).toContain('department');
});

test('a server function refuses who is not signed in', async ({ page, expectConsoleError }) => {
  await page.goto(origin);
  expectConsoleError(/status of 401/);
  expect(await close(page)).toEqual({ status: 401, challenge: 'Session', text: '"signed_out"' });
});

test('whose session has ended is asked to sign in, and comes back to the page', async ({
  page,
  expectConsoleError,
}) => {
  await signIn(page, 'alice');
  await page.getByRole('link', { name: 'Orders' }).click();
  await expect(page.locator('#close')).toBeVisible();
  await page.context().clearCookies({ name: 'session' });
  expectConsoleError(/status of 401/);
  await page.locator('#close').click();
  // The session at the provider goes on.
  await expect(user(page)).toHaveText('Alice Archer');
  await expect(page).toHaveURL(`${origin}/orders`);
  await press(page, '#close', () =>
    expect(outcome(page)).toHaveText('Alice Archer closed order 7.', { timeout: 10_000 }),
  );
});

test('whose session has ended is told that it can not be ended again', async ({
  page,
  expectConsoleError,
}) => {
  await signIn(page, 'alice');
  await page.getByRole('link', { name: 'Orders' }).click();
  await expect(page.locator('#done')).toBeVisible();
  await page.context().clearCookies({ name: 'session' });
  expectConsoleError(/status of 401/);
  await press(page, '#done', () =>
    expect(page.getByRole('alert')).toHaveText('This did not work: nobody is signed in.', {
      timeout: 10_000,
    }),
  );
});

/** Calls the server function as a script of the page can, whatever the page shows. */
async function close(page: Page): Promise<{ status: number; challenge: string | null; text: string }> {
  return page.evaluate(async () => {
    const body = new URLSearchParams({ order: '7' });
    const answer = await fetch('/api/orders/close', { method: 'POST', body });
    const challenge = answer.headers.get('www-authenticate');
    return { status: answer.status, challenge, text: await answer.text() };
  });
}

test('what a server function changes in the session reaches the browser', async ({ page, context }) => {
  await signIn(page, 'alice');
  await page.getByRole('link', { name: 'Orders' }).click();
  await press(page, '#close', () =>
    expect(outcome(page)).toHaveText('Alice Archer closed order 7.', { timeout: 10_000 }),
  );
  await expect(page.locator('#last')).toHaveText('The last one was order 7.');
  await test.step('a value is there when the page is loaded again', async () => {
    const answer = await page.reload();
    expect(await answer?.text()).toContain('The last one was order 7.');
  });
  await test.step('the end of the session takes the cookie away', async () => {
    const sessions = async () => (await context.cookies(origin)).filter(({ name }) => name === 'session');
    expect(await sessions()).toHaveLength(1);
    const answered = page.waitForResponse(`${origin}/api/orders/done`);
    // By the provider's page, which ends the session there.
    await press(page, '#done', () =>
      expect(greeting(page)).toHaveText('You are not signed in.', { timeout: 10_000 }),
    );
    const headers = await (await answered).headersArray();
    const cookies = headers.filter(({ name }) => name.toLowerCase() === 'set-cookie');
    expect(cookies.map(({ value }) => value).join('\n')).toMatch(/^session=;.*Max-Age=0/m);
    expect(await sessions()).toEqual([]);
  });
});

test('the same application with oidc-provider', async ({ page, context }) => {
  await withoutFonts(context);
  await page.goto(`${foreignOrigin}/orders`);
  await signInAndConsent(page, 'alice');
  await expect(page).toHaveURL(`${foreignOrigin}/orders`);
  await expect(user(page)).toHaveText('alice of the foreign provider');
  const done = 'alice of the foreign provider closed order 7.';
  await press(page, '#close', () => expect(outcome(page)).toHaveText(done, { timeout: 10_000 }));
});
