// Back, forward, reload and repeated opening around the callback: never an error wall, never a second exchange.
import { Application, tokenRequests } from '../support/application.ts';
import { expect, test } from '../support/test.ts';

const exchange = 'authorization_code';

test('Back after the callback leaves the user signed in', async ({ page }) => {
  const app = new Application(page);
  const exchanges = tokenRequests(page, exchange);
  await app.open();
  await app.signInAs('alice');

  await page.goBack();
  await page.goForward();
  await app.expectSignedInAs('alice');
  await expect(app.error).toBeHidden();
  expect(exchanges).toHaveLength(1);
});

test('Back as far as the first page leaves the user signed in', async ({ page }) => {
  const app = new Application(page);
  const exchanges = tokenRequests(page, exchange);
  await app.open();
  await app.signInAs('alice');

  const entries = await page.evaluate(() => history.length);
  await page.evaluate((steps) => history.go(-steps), entries - 2);
  await page.waitForURL('/');
  await app.expectSignedInAs('alice');
  await expect(app.error).toBeHidden();
  expect(exchanges).toHaveLength(1);
});

test('a reload on the callback URL, before its code ran, signs in', async ({ page, expectConsoleError }) => {
  expectConsoleError(/\/pkg\/.*ERR_FAILED/);
  expectConsoleError(/Failed to fetch/);
  const app = new Application(page);
  const exchanges = tokenRequests(page, exchange);
  await app.open();
  await app.signInWithoutCallback('alice');

  await page.reload();
  await app.expectSignedInAs('alice');
  await page.reload();
  await app.expectSignedInAs('alice');
  expect(exchanges).toHaveLength(1);
});

test('the callback URL opened twice makes one exchange', async ({ page, expectConsoleError }) => {
  expectConsoleError(/\/pkg\/.*ERR_FAILED/);
  expectConsoleError(/Failed to fetch/);
  const app = new Application(page);
  const exchanges = tokenRequests(page, exchange);
  await app.open();
  const callback = await app.signInWithoutCallback('alice');

  for (const time of ['first', 'second']) {
    await test.step(`the ${time} time`, async () => {
      await page.goto(callback);
      await app.expectSignedInAs('alice');
      await expect(app.error).toBeHidden();
    });
  }
  expect(exchanges).toHaveLength(1);
});

test('the callback URL opened in another tab, after it was used, offers a sign-in', async ({
  context,
  expectConsoleError,
}) => {
  expectConsoleError(/\/pkg\/.*ERR_FAILED/);
  expectConsoleError(/Failed to fetch/);
  const first = new Application(await context.newPage());
  await first.open();
  const callback = await first.signInWithoutCallback('alice');
  await first.page.goto(callback);
  await first.expectSignedInAs('alice');

  const second = new Application(await context.newPage());
  const exchanges = tokenRequests(second.page, exchange);
  await second.page.goto(callback);
  await second.expectRunning();
  await second.signIn.click();
  await second.expectSignedInAs('alice');
  expect(exchanges, 'only the exchange of the new sign-in').toHaveLength(1);
  await first.expectSignedInAs('alice');
});

test('a token request lost on the way does not lose the sign-in', async ({ page, expectConsoleError }) => {
  expectConsoleError(/\/connect\/token.*ERR_/);
  const app = new Application(page);
  await app.open();
  await page.route('**/connect/token', (route) => route.abort('connectionreset'), { times: 1 });
  const lost = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/connect/token'));
  await app.signIn.click();
  await app.loginPage.submit('alice', 'alice');
  await lost;
  await app.expectSignedInAs('alice');
});

// A download, or the user pressed Stop: no event tells the page.
test('a navigation to the provider that does not happen leaves the button usable', async ({ page }) => {
  const app = new Application(page);
  await app.open();
  let asked = 0;
  await page.route('**/connect/authorize?*', async (route) => {
    asked += 1;
    await (asked === 1 ? route.abort('aborted') : route.continue());
  });
  await app.signIn.click();
  await expect.poll(() => asked).toBe(1);
  // The page gives the navigation up after some seconds.
  await expect(async () => {
    await app.signIn.click({ timeout: 1_000 }).catch(() => undefined);
    expect(asked).toBeGreaterThan(1);
  }).toPass();
  await app.loginPage.submit('alice', 'alice');
  await app.expectSignedInAs('alice');
});
