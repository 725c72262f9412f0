// Calls that need another sign-in (RFC 9470): the API asks, the page says so, the user signs in again, and the call is
// repeated.
import type { Page } from '@playwright/test';
import { Application } from '../support/application.ts';
import { Inspector } from '../support/inspector.ts';
import { stepUp } from '../support/routes.ts';
import { expect, test } from '../support/test.ts';

/**
 * The API finds the sign-in too old, once. It would after a minute; the test does not wait for that, and `max_age` is
 * 0, so that the provider finds it too old as well.
 */
async function findTooOldOnce(page: Page): Promise<void> {
  const challenge =
    'Bearer realm="MyBackendApi2", error="insufficient_user_authentication", error_description="Sign in again to ' +
    'call this: it needs a sign-in within the last minute.", max_age="0"';
  const headers = { 'www-authenticate': challenge, 'content-type': 'application/json' };
  const body = JSON.stringify({ error: 'insufficient_user_authentication' });
  await page.route(stepUp.recent, (route) => route.fulfill({ status: 401, headers, body }), { times: 1 });
}

test('a call that needs a recent sign-in asks for one, and is repeated after it', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/status of 401/);
  const app = new Application(page);
  const inspector = new Inspector(page);
  const next = page.locator('#error_next');
  await app.open();
  await app.signInAs('alice');
  await findTooOldOnce(page);
  expect((await app.call(stepUp.recent)).status()).toBe(401);

  await test.step('the page says what the API wants, and shows its answer', async () => {
    await expect(app.error).toContainText('The API asks you to sign in again');
    await expect(app.error).toContainText('This needs a more recent sign-in.');
    await expect(app.results).toContainText('HTTP 401 Unauthorized');
    await expect(app.results).toContainText('max_age="0"');
    await app.expectSignedInAs('alice');
  });

  await test.step('the provider is asked for what the API wants', async () => {
    const authorized = page.waitForRequest((request) => request.url().includes('/connect/authorize?'));
    await expect(next).toHaveText('Sign in again to continue');
    await next.focus();
    await page.keyboard.press('Enter');
    const asked = new URL((await authorized).url()).searchParams;
    expect([asked.get('max_age'), asked.get('acr_values'), asked.get('prompt')]).toEqual(['0', null, null]);
    await app.loginPage.expectOpen(app.origins.provider);
  });

  await test.step('after the sign-in the call is repeated by itself', async () => {
    const [repeated] = await Promise.all([
      page.waitForResponse((response) => new URL(response.url()).pathname === stepUp.recent),
      app.loginPage.submit('alice', 'alice'),
    ]);
    expect(repeated.status()).toBe(200);
    await expect(app.results).toContainText('Everyone who signed in within the last minute may call this.');
    await expect(app.error).toBeHidden();
    await expect(app.route).toHaveValue(stepUp.recent);
  });

  await test.step('the inspector tells it from the first call to the second', async () => {
    await inspector.open();
    await expect(inspector.steps.last()).toHaveAttribute('data-kind', 'api');
    const kinds = await inspector.kinds();
    expect(kinds.filter((kind) => ['step_up', 'authorize', 'callback', 'api'].includes(kind ?? ''))).toEqual([
      'authorize',
      'callback',
      'step_up',
      'authorize',
      'callback',
      'api',
    ]);
    const card = await inspector.card('step_up');
    await expect(card.value('www-authenticate')).toContainText('insufficient_user_authentication');
  });

  await test.step('and not once more when the page is loaded again', async () => {
    let calls = 0;
    page.on('request', (request) => (calls += Number(new URL(request.url()).pathname === stepUp.recent)));
    await page.reload();
    await app.expectSignedInAs('alice');
    await expect(app.results).toContainText('"access_token"');
    expect(calls).toBe(0);
  });
});

test('what one user asked for is not done for another', async ({ page, expectConsoleError }) => {
  expectConsoleError(/status of 401/);
  const app = new Application(page);
  await app.open();
  await app.signInAs('alice');
  await findTooOldOnce(page);
  await app.call(stepUp.recent);
  await page.locator('#error_next').click();
  await app.loginPage.expectOpen(app.origins.provider);
  let calls = 0;
  page.on('request', (request) => (calls += Number(new URL(request.url()).pathname === stepUp.recent)));
  // The page asked for alice, so the provider answers that she has not signed in.
  await app.loginPage.submit('bob', 'bob');
  await app.expectSignedInAs('alice');
  await expect(app.error).toContainText('You were not signed in');
  await expect(app.results).toContainText('Please sign in again');
  expect(calls).toBe(0);
});

test('the page says beforehand which routes will ask', async ({ page }) => {
  const verdict = page.locator('#api_verdict');
  const app = new Application(page);
  await page.clock.install();
  await app.open();
  await app.signInAs('alice');
  await app.route.selectOption(stepUp.recent);
  await expect(verdict).toContainText('Allowed');
  await page.clock.fastForward(90_000);
  await expect(verdict).toContainText('Sign in again');
  await expect(verdict).toContainText('needs a sign-in within the last minute');
  await app.route.selectOption(stepUp.twoFactors);
  await expect(verdict).toContainText('Sign in again');
  await expect(verdict).toContainText('needs a sign-in at level urn:doorward:acr:2');
});
