// The inspector: the sign-in as it happened, message by message and check by check.
import { Application, tokenRequests } from '../support/application.ts';
import { Doorward } from '../support/doorward.ts';
import { Inspector } from '../support/inspector.ts';
import { inspected } from '../support/instances.ts';
import { expect, test } from '../support/test.ts';

/** The page that the browser comes back to is loaded anew, but finds the metadata that the page before has just read. */
const signIn = ['discovery', 'authorize', 'callback', 'keys', 'token', 'checks', 'userinfo'];

test('a sign-in is told step by step, and what is told is what was sent', async ({ page }) => {
  const app = new Application(page);
  const inspector = new Inspector(page);
  const exchanges = tokenRequests(page);
  const authorized = page.waitForRequest((request) => request.url().includes('/connect/authorize?'));
  await app.open();

  await test.step('before anything happened it says what will be seen', async () => {
    await inspector.open();
    await expect(inspector.empty).toBeVisible();
    await expect(inspector.steps).toHaveCount(0);
  });

  await app.signInAs('alice');

  await test.step('it is still open, with the steps before the browser left', async () => {
    await expect(inspector.steps).toHaveCount(signIn.length);
    expect((await inspector.kinds()).toSorted()).toEqual(signIn.toSorted());
    expect((await inspector.kinds()).slice(0, 3)).toEqual(signIn.slice(0, 3));
    expect((await inspector.kinds()).slice(-2)).toEqual(['checks', 'userinfo']);
    await expect(inspector.empty).toBeHidden();
  });

  await test.step('the authorization request is the one that the browser sent', async () => {
    const card = await inspector.card('authorize');
    for (const [name, value] of new URL((await authorized).url()).searchParams) {
      await expect(card.value(name)).toHaveText(value);
      await expect(card.parameter(name)).toContainText('section');
    }
  });

  await test.step('code, verifier and tokens are masked until asked for', async () => {
    const card = await inspector.card('token');
    const form = new URLSearchParams(exchanges[0]?.postData() ?? '');
    expect(form.get('code_verifier')).toBeTruthy();
    for (const name of ['code', 'code_verifier']) {
      await expect(card.value(name)).toBeHidden();
      await card.reveal(name);
      await expect(card.value(name)).toHaveText(form.get(name) ?? '');
    }
    await expect(card.value('access_token')).toBeHidden();
    await card.reveal('access_token');
    await expect(card.value('access_token')).toHaveText((await app.accessToken.textContent()) ?? '');
  });

  await test.step('tokens are taken apart', async () => {
    const card = await inspector.card('token');
    const parts = card.parameter('id_token').locator('.token-parts');
    await parts.locator('summary').click();
    const sub = parts.locator('.parameter[data-name=sub]');
    await expect(sub.locator('.value')).toHaveText('alice');
    await expect(sub).toContainText('RFC 7519');
    await expect(parts.locator('.parameter[data-name=exp]')).toContainText('UTC');
  });

  await test.step('each check is there and has passed', async () => {
    const card = await inspector.card('checks');
    const names = await card.checks.evaluateAll((checks) =>
      checks.map((check) => check.getAttribute('data-name')),
    );
    expect(names).toEqual(['alg', 'signature', 'iss', 'aud', 'exp', 'iat', 'nonce', 'at_hash']);
    await expect(card.failedChecks).toHaveCount(0);
  });

  await test.step('the lives of the tokens are drawn', async () => {
    await expect(page.locator('.life')).toHaveCount(2);
    await expect(page.locator('.life[data-name=access_token]')).toContainText('ends in');
  });

  await test.step('a call of the API is told, with its token masked', async () => {
    await app.call('/api/DemoPolicyBased/Admin/Get');
    const card = await inspector.card('api');
    await expect(card.value('authorization')).toBeHidden();
    await expect(card.root).toContainText('200');
  });

  await test.step('a reload keeps it', async () => {
    await page.reload();
    await app.expectSignedInAs('alice');
    await expect(inspector.steps).toHaveCount(signIn.length + 1);
  });

  await test.step('signing out clears it, and the sign-out itself names no token', async () => {
    const idToken = (await app.idToken.textContent()) ?? '';
    await app.signOut.click();
    await app.comeBackFromLogout();
    await app.expectSignedOut();
    // The reloaded page has checked the metadata that it found, and has not asked for them.
    await expect.poll(() => inspector.kinds()).toEqual(['checks', 'end_session', 'signed_out']);
    const kept = await page.evaluate(() => JSON.stringify(sessionStorage));
    expect(kept).not.toContain(idToken);
    expect(kept).not.toContain('access_token');
  });

  await test.step('the next sign-in begins anew', async () => {
    await app.signInAs('bob');
    await expect.poll(async () => (await inspector.kinds())[0]).not.toBe('end_session');
    expect(await inspector.kinds()).not.toContain('signed_out');
  });
});

test('an answer that nobody asked for fails at its state, for all to see', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/status of 400/);
  expectConsoleError(/\/pkg\/.*ERR_FAILED/);
  expectConsoleError(/Failed to fetch/);
  const app = new Application(page);
  const inspector = new Inspector(page);
  await app.open();
  await inspector.open();
  const address = new URL(await app.signInWithoutCallback('alice'));
  const state = address.searchParams.get('state')!;
  const forged = (state.startsWith('A') ? 'B' : 'A') + state.slice(1);
  address.searchParams.set('state', forged);
  await page.goto(address.href);
  await app.expectSignedOut();
  const card = await inspector.card('callback');
  await expect(card.root).toHaveAttribute('data-state', 'failed');
  await expect(card.failedChecks).toHaveCount(1);
  await expect(card.failedChecks).toContainText(forged);
});

test('a step is copied as text, without its secrets', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const app = new Application(page);
  const inspector = new Inspector(page);
  await app.open();
  await app.signInAs('alice');
  await inspector.open();
  const card = await inspector.card('token');
  await card.root.getByRole('button', { name: 'Copy as text' }).click();
  await expect(page.locator('#inspector_copied')).toHaveText(/Copied/);
  const text = await page.evaluate(() => navigator.clipboard.readText());
  expect(text).toContain('grant_type: authorization_code');
  expect(text).not.toContain((await app.accessToken.textContent()) ?? '');
});

test('the panel works by keyboard', async ({ page }) => {
  const app = new Application(page);
  const inspector = new Inspector(page);
  await app.open();
  await app.signInAs('alice');
  await inspector.toggle.focus();
  await page.keyboard.press('Enter');
  await expect(inspector.toggle).toHaveAttribute('aria-expanded', 'true');
  await expect(inspector.steps.first()).toBeVisible();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(inspector.steps.first().locator('.step-body')).toBeVisible();
});

test('renewals are told as they happen', async ({ page }) => {
  const doorward = await Doorward.start({ origins: inspected, config: inspected.config });
  try {
    const app = new Application(page, inspected);
    const inspector = new Inspector(page);
    await app.open();
    await inspector.open();
    await app.signInAs('alice');
    await expect.poll(() => inspector.kinds()).toContain('renewal');
    const card = await inspector.card('renewal');
    await expect(card.value('grant_type')).toHaveText('refresh_token');
    await expect(card.value('refresh_token').first()).toBeHidden();
  } finally {
    await doorward.stop();
  }
});
