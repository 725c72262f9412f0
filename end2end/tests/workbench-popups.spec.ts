// Our client in popups and hidden frames: examples/workbench with a Doorward on the same site and on another one.
import type { Page, Request } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { workbench } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';
import { serveWorkbench, settingsOf, Workbench, type Settings } from '../support/workbench.ts';

const { page: origin, foreignPage: foreign, provider } = workbench;
const settings = (more: Settings = {}) => settingsOf(origin, provider, more);

let server: Doorward;
const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  server = await Doorward.start({ origins: workbench, config: workbench.config });
  stops.push(await serveWorkbench(origin, settings()));
  stops.push(await serveWorkbench(foreign, settingsOf(foreign, provider)));
});
test.afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await server?.stop();
});

test.describe('popups', () => {
  test('sign in and out', async ({ page }) => {
    const bench = new Workbench(page, origin);
    await bench.open();
    const popup = await bench.popup('signin_popup');
    await signInOn(popup, 'alice');
    await expect(bench.status).toHaveText('signed in alice, state a sign-in, url_state in the URL');
    expect((await bench.user()).profile['sub']).toBe('alice');
    await expect(bench.events).toHaveText(['UserLoaded', 'UserSignedIn']);
    expect(page.url(), 'this page stays').toBe(`${origin}/`);
    await expect.poll(() => popup.isClosed()).toBe(true);

    await bench.press('signout_popup');
    await expect(bench.status).toHaveText('signed out, state a sign-out');
    await bench.expectNobody();
  });

  test("the client's own page hands back as well", async ({ page }) => {
    const bench = new Workbench(page, origin);
    await bench.open(settings({ popup_redirect_uri: `${origin}/callback` }));
    await signInOn(await bench.popup('signin_popup'), 'alice');
    await expect(bench.status).toHaveText(/^signed in alice/);
  });

  test('one that the user closes is told about', async ({ page }) => {
    const bench = new Workbench(page, origin);
    await bench.open();
    const popup = await bench.popup('signin_popup');
    await new LoginPage(popup).expectOpen(provider);
    await popup.close();
    await expect(bench.status).toHaveText(/^PopupClosed: /);
    await bench.expectNobody();
    expect(await pendingRequests(page), 'nobody waits for that answer any more').toEqual([]);
  });

  test('a sign-in that the user cancels there is told about', async ({ page }) => {
    const bench = new Workbench(page, origin);
    await bench.open();
    await new LoginPage(await bench.popup('signin_popup')).cancel();
    await expect(bench.status).toHaveText(/^Authorization: the provider refused: access_denied/);
  });
});

test('a popup that the browser blocks is told about', async ({ page, expectConsoleError }) => {
  // A frame that may not open popups: in no other way do the tests' browsers block one.
  expectConsoleError(/allow-popups/);
  const frame = '<iframe src="/" sandbox="allow-scripts allow-same-origin"></iframe>';
  await page.route(`${origin}/framed`, (route) => route.fulfill({ contentType: 'text/html', body: frame }));
  await page.goto(`${origin}/framed`);
  const status = page.frameLocator('iframe').locator('#status');
  await expect(status).toHaveText('ready');
  await page.frameLocator('iframe').locator('#signin_popup').click();
  await expect(status).toHaveText(/^PopupBlocked: /);
  expect(await pendingRequests(page)).toEqual([]);
});

test('a copied tab leaves the refresh token to the first, and a frame of the tab shares it', async ({
  page,
}) => {
  const bench = new Workbench(page, origin);
  await bench.open();
  await signInOn(await bench.popup('signin_popup'), 'alice');
  await expect(bench.status).toHaveText(/^signed in alice/);
  // A window that a page opens begins with a copy of its session storage, like a tab that the user duplicates.
  const [copied] = await Promise.all([
    page.waitForEvent('popup'),
    page.evaluate((address) => void window.open(address), origin),
  ]);
  const copy = new Workbench(copied, origin);
  await expect(copy.status).toHaveText('ready');
  expect((await copy.user()).access_token).toBe((await bench.user()).access_token);
  // It has the refresh token, too, but does not send it while the first tab is open: a frame renews.
  const renewals: Request[] = [];
  copied.on('request', (request) => {
    if (request.postData()?.includes('grant_type=refresh_token')) renewals.push(request);
  });
  await copy.pressAndExpect('signin_silent', 'silently alice');
  expect(renewals).toEqual([]);

  await page.evaluate((address) => {
    const frame = document.createElement('iframe');
    frame.src = address;
    document.body.append(frame);
  }, origin);
  await expect(page.frameLocator('iframe').locator('#status')).toHaveText('ready');
  await expect(page.frameLocator('iframe').locator('#user')).toContainText('refresh_token');
  await page.reload();
  await expect(bench.status).toHaveText('ready');
  const kept = (await bench.user()).refresh_token;
  expect(kept).toBeDefined();
  await bench.pressAndExpect('signin_silent', 'silently alice');
  expect((await bench.user()).refresh_token, 'renewed by it').not.toBe(kept);
});

test.describe('hidden frames', () => {
  test('sign in who has a session at the provider, and out', async ({ page }) => {
    const bench = new Workbench(page, origin);
    await bench.open();
    await bench.pressAndExpect('query_session_status', 'nobody there');
    await bench.pressAndExpect('signin_silent', /^Authorization: .*login_required/);

    await signIn(bench, 'alice');
    await bench.pressAndExpect('remove_user', 'removed');
    await bench.expectNobody();
    await bench.pressAndExpect('query_session_status', 'alice is there');
    await bench.expectNobody();
    await bench.pressAndExpect('signin_silent', 'silently alice');
    expect((await bench.user()).profile['sub']).toBe('alice');
    await expect(page.locator('iframe')).toHaveCount(0);

    await bench.pressAndExpect('signout_silent', 'signed out, state a sign-out');
    await bench.pressAndExpect('query_session_status', 'nobody there');
  });

  test('renew without a refresh token, once for all who ask', async ({ page }) => {
    const bench = new Workbench(page, origin);
    await bench.open(settings({ scope: 'openid profile' }));
    await signIn(bench, 'alice');
    const before = await bench.user();
    expect(before.refresh_token).toBeUndefined();
    const silent = silentRequests(page);
    await page.locator('#signin_silent').evaluate((button: HTMLElement) => {
      for (let press = 0; press < 3; press += 1) button.click();
    });
    await expect(bench.status).toHaveText('silently alice');
    expect((await bench.user()).access_token).not.toBe(before.access_token);
    expect(silent).toHaveLength(1);
  });

  test("a page of the provider that may not be framed is an answer that doesn't come", async ({
    page,
    expectConsoleError,
  }) => {
    expectConsoleError(/frame-ancestors|X-Frame-Options/);
    expectConsoleError(/chromewebdata.*status of 400/);
    const bench = new Workbench(page, origin);
    await bench.open(settings({ silent_redirect_uri: `${origin}/unknown`, silent_request_timeout: 2 }));
    await bench.pressAndExpect('signin_silent', /^FrameTimeout: /);
    await expect(page.locator('iframe')).toHaveCount(0);
    expect(await pendingRequests(page)).toEqual([]);
  });
});

test.describe('a page of another site, whose frames do not see the session', () => {
  test('is told so, and signs in by redirect', async ({ page }) => {
    const bench = new Workbench(page, foreign);
    await bench.open();
    await signIn(bench, 'alice');
    await bench.pressAndExpect('query_session_status', 'nobody there');
    await bench.pressAndExpect('remove_user', 'removed');
    await bench.pressAndExpect('signin_silent', /^Authorization: .*login_required/);
  });

  test('asks once when its token can not be renewed, and tells the end', async ({ page }) => {
    const bench = new Workbench(page, foreign);
    const more = { client_id: 'workbench-short', scope: 'openid profile' };
    await bench.open(settingsOf(foreign, provider, more));
    await signIn(bench, 'alice');
    const silent = silentRequests(page);
    await expect(bench.events.last()).toHaveText('AccessTokenExpired');
    await expect(bench.events).toHaveText([
      'UserLoaded',
      'UserSignedIn',
      'AccessTokenExpiring',
      /^SilentRenewError Authorization: .*login_required/,
      'AccessTokenExpired',
    ]);
    expect(silent).toHaveLength(1);
    await bench.pressAndExpect('get_access_token', /^Authorization: .*login_required/);
  });

  test('does not watch a session that it can not see', async ({ page, expectConsoleError }) => {
    expectConsoleError(askedTooEarly);
    const bench = new Workbench(page, foreign);
    const silent = silentRequests(page);
    await bench.open(settingsOf(foreign, provider, { monitor_session: true }));
    const frames: string[] = [];
    page.on('frameattached', (frame) => frame.parentFrame() && frames.push(frame.name()));
    await signIn(bench, 'alice');
    // The monitor's frame came and went; nobody was asked, and nobody is signed out.
    await expect.poll(() => frames.length).toBe(1);
    await expect(page.locator('iframe')).toHaveCount(0);
    expect((await bench.user()).profile['sub']).toBe('alice');
    expect(silent).toEqual([]);
  });
});

test.describe('the session monitor', () => {
  test('notices who signs out at the provider', async ({ page, context, expectConsoleError }) => {
    expectConsoleError(askedTooEarly);
    const bench = new Workbench(page, origin);
    await bench.open(settings({ monitor_session: true, check_session_interval: 1 }));
    await signIn(bench, 'alice');
    await unchangedSeen(page);
    await signOutAtProvider(await context.newPage());
    await expect(bench.events.last()).toHaveText('UserSignedOut');
    await bench.expectNobody();
  });

  test('notices that the same user signed in anew, keeps the tokens and watches on', async ({
    page,
    context,
    expectConsoleError,
  }) => {
    expectConsoleError(askedTooEarly);
    const bench = new Workbench(page, origin);
    await bench.open(settings({ monitor_session: true, check_session_interval: 1 }));
    await signIn(bench, 'alice');
    const before = await bench.user();
    await unchangedSeen(page);
    const other = new Workbench(await context.newPage(), origin);
    await other.open(settings());
    await other.page.locator('#prompt').fill('login');
    await signIn(other, 'alice');
    await expect(bench.events).toHaveText(['UserLoaded', 'UserSignedIn', 'UserLoaded', 'UserSessionChanged']);
    const after = await bench.user();
    expect(after.access_token).toBe(before.access_token);
    expect(after.session_state).not.toBe(before.session_state);

    await unchangedSeen(page);
    await signOutAtProvider(other.page);
    await expect(bench.events.last()).toHaveText('UserSignedOut');
    await bench.expectNobody();
  });

  test('notices another user', async ({ page, context, expectConsoleError }) => {
    expectConsoleError(askedTooEarly);
    const bench = new Workbench(page, origin);
    await bench.open(settings({ monitor_session: true, check_session_interval: 1 }));
    await signIn(bench, 'alice');
    await unchangedSeen(page);
    const other = new Workbench(await context.newPage(), origin);
    await other.open(settings());
    await other.page.locator('#prompt').fill('login');
    await other.press('signin_redirect');
    await signInOn(other.page, 'bob');
    await expect(other.status).toHaveText(/^signed in bob/);
    await expect(bench.events.last()).toHaveText('UserSignedOut');
    await bench.expectNobody();
    expect((await other.user()).profile['sub']).toBe('bob');
  });
});

test.describe('the way to the provider and back', () => {
  test('the answer stands in the fragment if asked for', async ({ page }) => {
    const asked: URL[] = [];
    page.on('request', (request) => asked.push(new URL(request.url())));
    const bench = new Workbench(page, origin);
    await bench.open(settings({ response_mode: 'fragment' }));
    await signIn(bench, 'alice');
    const visit = asked.find((url) => url.pathname === '/connect/authorize');
    expect(visit?.searchParams.get('response_mode')).toBe('fragment');
    const back = asked.filter((url) => url.pathname === '/callback');
    expect(back.map((url) => url.search)).toEqual(['']);
    expect(page.url(), 'the answer has left the address').toBe(`${origin}/callback`);
  });

  test('without cryptography and locks, as on pages that are not served by https', async ({
    page,
    context,
  }) => {
    await context.addInitScript(() => {
      Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined });
      Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
    });
    const bench = new Workbench(page, origin);
    await bench.open();
    await signIn(bench, 'alice');
    await bench.pressAndExpect('signin_silent', 'silently alice');
    expect((await bench.user()).profile['sub']).toBe('alice');
  });

  test('the page is replaced if asked for: the way back has no more steps than before', async ({ page }) => {
    const steps = () => page.evaluate(() => history.length);
    const bench = new Workbench(page, origin);
    for (const replace of [true, false]) {
      await bench.open(settings({ redirect: { replace } }));
      const before = await steps();
      await bench.press('signin_redirect');
      await new LoginPage(page).expectOpen(provider);
      expect(await steps()).toBe(replace ? before : before + 1);
    }
  });

  test('the whole window goes if asked for, not only the frame that the page is in', async ({ page }) => {
    const bench = new Workbench(page, origin);
    await bench.setUp(settings({ redirect: { top: true } }));
    const frame = '<iframe src="/"></iframe>';
    await page.route(`${origin}/framed`, (route) => route.fulfill({ contentType: 'text/html', body: frame }));
    await page.goto(`${origin}/framed`);
    await expect(page.frameLocator('iframe').locator('#status')).toHaveText('ready');
    await page.frameLocator('iframe').locator('#signin_redirect').click();
    await signInOn(page, 'alice');
    await expect(bench.status).toHaveText(/^signed in alice/);
  });
});

test('a page whose parts are mounted twice signs in once', async ({ page }) => {
  const exchanges: Request[] = [];
  page.on('request', (request) => request.url().endsWith('/connect/token') && exchanges.push(request));
  const bench = new Workbench(page, origin);
  await bench.open(settings({ mount_twice: true }));
  await bench.press('signin_redirect');
  await signInOn(page, 'alice');
  const outcome = 'signed in alice, state a sign-in, url_state in the URL';
  await expect(bench.status).toHaveText(`${outcome}, and again: ${outcome}`);
  expect(exchanges).toHaveLength(1);
  expect(page.url()).toBe(`${origin}/callback`);
});

/** Firefox's line about a question to the provider's frame that came before its page was there. */
const askedTooEarly = /postMessage.*target origin/;

/** Signs in by redirect. */
async function signIn(bench: Workbench, user: 'alice' | 'bob'): Promise<void> {
  await bench.press('signin_redirect');
  await signInOn(bench.page, user);
  await expect(bench.status).toHaveText(/^signed in/);
}

async function signInOn(page: Page, user: 'alice' | 'bob'): Promise<void> {
  const form = new LoginPage(page);
  await form.expectOpen(provider);
  await form.submit(user, user);
}

async function signOutAtProvider(page: Page): Promise<void> {
  await page.goto(`${provider}/account/logout`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'You are signed out' })).toBeVisible();
}

/** Authorization requests that may show nothing to the user, from now on. */
function silentRequests(page: Page): string[] {
  const asked: string[] = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.pathname === '/connect/authorize' && url.searchParams.get('prompt') === 'none')
      asked.push(url.href);
  });
  return asked;
}

/** Requests that wait for their answer, in the page's storage. */
function pendingRequests(page: Page): Promise<string[]> {
  return page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('oidc.')));
}

/** Waits until the provider's frame has said that the session is unchanged, which the monitor needs to believe it. */
async function unchangedSeen(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((seen) =>
        addEventListener('message', (message) => message.data === 'unchanged' && seen()),
      ),
  );
}
