// The provider's login page: wrong passwords, cancelling, "remember me", throttling, no script, keyboard alone.
import { Application } from '../support/application.ts';
import { authorizeUrl } from '../support/authorize.ts';
import { Doorward } from '../support/doorward.ts';
import { login } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';

let server: Doorward;
test.beforeAll(async () => {
  server = await Doorward.start({ origins: login, config: login.config });
});
test.afterAll(() => server?.stop());

test('a wrong password and an unknown user get the same answer, and may try again', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/\/account\/login.*status of 4/);
  const app = new Application(page, login);
  await app.open();
  await app.signIn.click();

  await app.loginPage.submit('bob', 'not his password');
  await expect(app.loginPage.alert).toBeVisible();
  const wrongPassword = await app.loginPage.alert.innerText();
  await expect(app.loginPage.username).toHaveValue('bob');
  await expect(app.loginPage.password).toHaveValue('');

  await app.loginPage.submit('nobody', 'not his password');
  await expect(app.loginPage.username).toHaveValue('nobody');
  await expect(app.loginPage.alert).toHaveText(wrongPassword);

  await app.loginPage.submit('bob', 'bob');
  await app.expectSignedInAs('bob');
});

test('empty fields are refused on the page', async ({ page, expectConsoleError }) => {
  expectConsoleError(/\/account\/login.*status of 4/);
  const form = new LoginPage(page);
  await page.goto(authorizeUrl({}, login));
  await form.submit('', '');
  await form.expectOpen(login.provider);
  expect(await form.username.evaluate((input: HTMLInputElement) => input.validity.valueMissing)).toBe(true);

  // The browser's own check is a courtesy; the server's is the one that counts.
  await page.locator('form').evaluate((element: HTMLFormElement) => (element.noValidate = true));
  await form.submit('', '');
  await expect(form.alert).toBeVisible();
  await form.expectOpen(login.provider);
});

test('a cancelled sign-in says so and offers another', async ({ page }) => {
  const app = new Application(page, login);
  await app.open();
  await app.signIn.click();
  await app.loginPage.cancel();

  await app.expectSignedOut();
  await expect(app.error).toBeVisible();
  await expect(app.error).toHaveRole('alert');
  await expect(app.error).toContainText(/cancel|denied|declined/i);
  await app.signInAs('alice');
  await expect(app.error).toBeHidden();
});

/** The device cookie lasts, and signs nobody in: it only tells a known browser to the throttle. */
const isNoDeviceCookie = (cookie: { name: string }) => !cookie.name.endsWith('doorward.device');

test('without "remember me" the session ends with the browser', async ({ page }) => {
  const app = new Application(page, login);
  await app.open();
  await app.signInAs('alice');
  const cookies = (await page.context().cookies(login.provider)).filter(isNoDeviceCookie);
  expect(cookies.filter((cookie) => cookie.expires !== -1)).toEqual([]);
});

test('with "remember me" the session outlives the browser', async ({ page, browser }) => {
  const app = new Application(page, login);
  await app.open();
  await app.signIn.click();
  await app.loginPage.remember.check();
  await app.loginPage.submit('alice', 'alice');
  await app.expectSignedInAs('alice');

  const aDayFromNow = Date.now() / 1000 + 86_400;
  const cookies = (await page.context().cookies(login.provider)).filter(isNoDeviceCookie);
  const kept = cookies.filter((cookie) => cookie.expires > aDayFromNow);
  const [session, ...others] = kept.filter((cookie) => cookie.httpOnly);
  expect(session).toMatchObject({ sameSite: 'Lax' });
  expect(others).toEqual([]);
  // What the check session page compares lives as long, but is of no use to sign in.
  expect(kept.filter((cookie) => !cookie.httpOnly)).toHaveLength(1);

  await test.step('a browser that kept only that cookie needs no password', async () => {
    const later = await browser.newContext();
    await later.addCookies([session!]);
    const next = new Application(await later.newPage(), login);
    await next.open();
    await next.signIn.click();
    await next.expectSignedInAs('alice');
    await later.close();
  });
});

test('the session cookie changes at login', async ({ page }) => {
  const form = new LoginPage(page);
  await page.goto(authorizeUrl({}, login));
  const before = new Set((await page.context().cookies(login.provider)).map((cookie) => cookie.value));
  await form.submit('alice', 'alice');
  await page.waitForURL(`${login.app}/**`);
  const fresh = (await page.context().cookies(login.provider)).filter((cookie) => !before.has(cookie.value));
  expect(fresh.some((cookie) => cookie.httpOnly)).toBe(true);
});

test('a sign-in by keyboard alone', async ({ page }) => {
  const app = new Application(page, login);
  const tabTo = async (target: typeof app.signIn) => {
    for (let stops = 0; stops < 30; stops++) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    await expect(target, 'reachable by Tab').toBeFocused();
  };
  await app.open();
  await tabTo(app.signIn);
  await page.keyboard.press('Enter');

  await app.loginPage.expectOpen(login.provider);
  await tabTo(app.loginPage.username);
  await page.keyboard.type('carol');
  await tabTo(app.loginPage.password);
  await page.keyboard.type('carol');
  await page.keyboard.press('Enter');
  await app.expectSignedInAs('carol');

  await tabTo(app.callApi);
  const answer = page.waitForResponse((response) => new URL(response.url()).pathname.startsWith('/api/'));
  await page.keyboard.press('Enter');
  expect((await answer).status()).toBe(200);

  await app.page.reload();
  await app.expectSignedInAs('carol');
  await tabTo(app.signOut);
  await page.keyboard.press('Enter');
  await app.expectSignedOut();
});

test.describe('with JavaScript switched off', () => {
  test.use({ javaScriptEnabled: false });

  test('login, logout and logged-out pages work', async ({ page, expectConsoleError }) => {
    expectConsoleError(/\/account\/login.*status of 4/);
    const form = new LoginPage(page);
    await page.goto(authorizeUrl({ state: 'without-script' }, login));
    await form.submit('dave', 'not his password');
    await expect(form.alert).toBeVisible();
    await form.submit('dave', 'dave');
    await page.waitForURL((url) => url.origin === login.app);
    const response = new URL(page.url()).searchParams;
    expect(response.get('state')).toBe('without-script');
    expect(response.get('iss')).toBe(login.provider);
    expect(response.get('code')).toBeTruthy();

    await page.goto(`${login.provider}/connect/endsession`);
    await page.locator('button[name=action][value=logout]').click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/(logged|signed) out/i);

    await page.goto(authorizeUrl({ prompt: 'none' }, login));
    expect(new URL(page.url()).searchParams.get('error')).toBe('login_required');
  });

  test('cancelling works', async ({ page }) => {
    await page.goto(authorizeUrl({}, login));
    await new LoginPage(page).cancel();
    await page.waitForURL((url) => url.origin === login.app);
    expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied');
  });

  test('the error page works', async ({ page, expectConsoleError }) => {
    expectConsoleError(/status of 400/);
    await page.goto(authorizeUrl({ client_id: 'nobody' }, login));
    await expect(page.getByRole('alert')).toBeVisible();
  });

  test('the application says that it needs JavaScript', async ({ page }) => {
    await page.goto(login.app);
    await expect(page.getByText(/javascript/i).first()).toBeVisible();
  });
});

// The last of this file: it leaves the address throttled.
test('many failures throttle the sign-in, also with the right password', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/\/account\/login.*status of 4/);
  const form = new LoginPage(page);
  await page.goto(authorizeUrl({}, login));
  const answer = async (password: string) => {
    const [response] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'POST'),
      form.submit('jblin', password),
    ]);
    return response;
  };

  // Some failures are free; from then on each one doubles the wait. A long wait leaves us time for the last step.
  let response = await answer('wrong 0');
  const usual = await form.alert.innerText();
  const wait = () => Number(response.headers()['retry-after'] ?? 0);
  for (let failure = 1; wait() < 4; failure++) {
    response = await answer(`wrong ${failure}`);
    await expect(form.alert).toBeVisible();
  }
  expect(response.status()).toBe(429);
  expect(await form.alert.innerText()).not.toBe(usual);

  expect((await answer('jblin')).status()).toBe(429);
  await expect(form.alert).toBeVisible();
});
