// What the user reads when something is wrong: tampered or lost state, a provider that is down, bad requests.
import { Application, tokenRequests } from '../support/application.ts';
import { authorizeUrl } from '../support/authorize.ts';
import { Doorward } from '../support/doorward.ts';
import { demo, separate } from '../support/instances.ts';
import { expect, test } from '../support/test.ts';

test.describe('the callback', () => {
  test.beforeEach(({ expectConsoleError }) => {
    // The stories stop at the callback URL by keeping the application's code from loading.
    expectConsoleError(/\/pkg\/.*ERR_FAILED/);
    expectConsoleError(/Failed to fetch/);
  });

  const tamperings: Record<string, (url: URL) => void> = {
    'a state that no request had': (url) => url.searchParams.set('state', 'A'.repeat(43)),
    'a foreign issuer': (url) => url.searchParams.set('iss', 'https://attacker.example'),
    'no issuer, though the provider promises one': (url) => url.searchParams.delete('iss'),
  };
  for (const [what, tamper] of Object.entries(tamperings)) {
    test(`${what} is refused, and the code is not spent`, async ({ page }) => {
      const app = new Application(page);
      const exchanges = tokenRequests(page);
      await app.open();
      const callback = new URL(await app.signInWithoutCallback('alice'));
      tamper(callback);
      await page.goto(callback.href);

      await expectError(app);
      expect(exchanges).toHaveLength(0);
      await offersSignIn(app);
    });
  }

  const foreign: Record<string, (url: URL) => void> = {
    'a state of another form': (url) => url.searchParams.set('state', 'an-attacker-chose-this-state'),
    'no state': (url) => url.searchParams.delete('state'),
  };
  for (const [what, tamper] of Object.entries(foreign)) {
    test(`${what} is not a response of ours, and is left alone`, async ({ page }) => {
      const app = new Application(page);
      const exchanges = tokenRequests(page);
      await app.open();
      const callback = new URL(await app.signInWithoutCallback('alice'));
      tamper(callback);
      await page.goto(callback.href);

      await app.expectSignedOut();
      await expect(app.error).toBeHidden();
      expect(page.url()).toBe(callback.href);
      expect(exchanges).toHaveLength(0);
    });
  }

  test('a code that was not issued is refused', async ({ page, expectConsoleError }) => {
    expectConsoleError(/\/connect\/token.*status of 400/);
    const app = new Application(page);
    await app.open();
    const callback = new URL(await app.signInWithoutCallback('alice'));
    callback.searchParams.set('code', 'no-such-code');
    await page.goto(callback.href);

    await expectError(app);
    await offersSignIn(app);
  });

  test('a state that the browser has lost is explained', async ({ page }) => {
    const app = new Application(page);
    await app.open();
    const callback = await app.signInWithoutCallback('alice');
    await page.evaluate(() => {
      sessionStorage.clear();
      localStorage.clear();
    });
    await page.goto(callback);

    await expectError(app);
    await offersSignIn(app);
  });

  test('an error from the provider is shown as text', async ({ page }) => {
    const app = new Application(page);
    await app.open();
    const callback = new URL(await app.signInWithoutCallback('alice'));
    callback.searchParams.delete('code');
    callback.searchParams.set('error', 'temporarily_unavailable');
    callback.searchParams.set('error_description', '<img src=x onerror=console.error(1)>');
    await page.goto(callback.href);

    await expectError(app);
    await expect(app.error.locator('img')).toHaveCount(0);
    await offersSignIn(app);
  });
});

test('a damaged access token is refused by the API, and the page says so', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/\/api\/.*status of 401/);
  const app = new Application(page);
  await app.open();
  await app.signInAs('alice');
  await page.route('**/api/**', (route) =>
    route.continue({ headers: { ...route.request().headers(), authorization: 'Bearer damaged' } }),
  );
  const response = await app.call('/api/DemoPolicyBased/Everyone/Get');
  expect(response.status()).toBe(401);
  await expect(app.results).toContainText('401');
  await expect(app.results).toContainText('invalid_token');
});

test.describe('the provider stops in the middle', () => {
  let provider: Doorward;
  let backend: Doorward;
  test.beforeAll(async () => {
    provider = await Doorward.start({ origins: separate, config: separate.config, roles: ['provider'] });
    backend = await Doorward.start({ origins: separate, config: separate.config, roles: ['api', 'app'] });
  });
  test.afterAll(async () => {
    await backend?.stop();
    await provider?.stop();
  });
  test.beforeEach(({ expectConsoleError }) => {
    expectConsoleError(/localhost:6301\/.*ERR_CONNECTION_(REFUSED|RESET)/);
    expectConsoleError(/\/pkg\/.*ERR_FAILED/);
    expectConsoleError(/Failed to fetch/);
  });

  test('before the sign-in: the page explains it, and works once the provider is back', async ({ page }) => {
    const app = new Application(page, separate);
    await provider.halt();
    await app.open();
    await app.signIn.click();
    await expectError(app);

    await provider.resume();
    await app.signInAs('alice');
    await expect(app.error).toBeHidden();
  });

  test('before the code is exchanged: the page explains it, and the same code works later', async ({
    page,
  }) => {
    const app = new Application(page, separate);
    await app.open();
    const callback = await app.signInWithoutCallback('alice');
    await provider.halt();
    await page.goto(callback);
    await expectError(app);

    await provider.resume();
    await page.goto(callback);
    await app.expectSignedInAs('alice');
  });

  test('after the sign-in: the API still answers, and the session outlives the restart', async ({ page }) => {
    const app = new Application(page, separate);
    await app.open();
    await app.signInAs('alice');
    expect((await app.call('/api/DemoPolicyBased/Admin/Get')).status()).toBe(200);

    await provider.halt();
    expect((await app.call('/api/DemoPolicyBased/Admin/Get')).status()).toBe(200);
    await page.reload();
    await app.expectSignedInAs('alice');

    await provider.resume();
    await page.evaluate(() => sessionStorage.clear());
    await app.open();
    await app.signIn.click();
    await app.expectSignedInAs('alice');
  });
});

test.describe('the provider shows its own page, never a redirect, for', () => {
  const requests: Record<string, Record<string, string | null>> = {
    'an unknown client': { client_id: 'nobody' },
    'no client': { client_id: null },
    'an unregistered redirect URI': { redirect_uri: 'https://attacker.example/callback' },
    'a redirect URI that only begins like a registered one': {
      redirect_uri: `${demo.app}/OpenId/Login/JS/../../elsewhere`,
    },
    'a redirect URI with a fragment': { redirect_uri: `${demo.app}/OpenId/Login/JS#fragment` },
    'no redirect URI': { redirect_uri: null },
  };
  for (const [what, changes] of Object.entries(requests)) {
    test(what, async ({ page, expectConsoleError }) => {
      expectConsoleError(/status of 400/);
      const response = await page.goto(authorizeUrl(changes));
      expect(response?.status()).toBe(400);
      expect(new URL(page.url()).origin).toBe(demo.provider);
      await expect(page.getByRole('alert')).toBeVisible();
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    });
  }

  test('and a redirect with the error for the rest', async ({ page }) => {
    const refused: [string, Record<string, string | null>][] = [
      ['invalid_request', { code_challenge: null, code_challenge_method: null }],
      ['invalid_request', { code_challenge_method: 'plain' }],
      ['invalid_scope', { scope: 'no-such-scope' }],
      ['unsupported_response_type', { response_type: 'magic' }],
      ['login_required', { prompt: 'none' }],
    ];
    for (const [error, changes] of refused) {
      const response = await page.goto(authorizeUrl({ state: 'kept', ...changes }));
      const answer = new URL(response?.url() ?? '');
      expect(answer.origin).toBe(demo.app);
      expect(answer.searchParams.get('error')).toBe(error);
      expect(answer.searchParams.get('state')).toBe('kept');
      expect(answer.searchParams.get('iss')).toBe(demo.provider);
    }
  });
});

/** The application shows its alert, with words in it. */
async function expectError(app: Application): Promise<void> {
  await app.expectRunning();
  await expect(app.error).toBeVisible();
  await expect(app.error).toHaveRole('alert');
  await expect(app.error).toHaveText(/\w+ \w+/);
}

/** The next step works: the user, who has a session at the provider by now, is signed in by one click. */
async function offersSignIn(app: Application): Promise<void> {
  await app.signIn.click();
  await app.expectSignedInAs('alice');
  await expect(app.error).toBeHidden();
}
