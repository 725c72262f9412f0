// Sign-in at the provider with another provider that we did not write: oidc-provider.
import type { Page } from '@playwright/test';
import { Application } from '../support/application.ts';
import { authorizeUrl } from '../support/authorize.ts';
import { Doorward } from '../support/doorward.ts';
import { serveForeignProvider, signInAndConsent, withoutFonts } from '../support/foreign-provider.ts';
import { external } from '../support/instances.ts';
import { claimsOf } from '../support/jwt.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';

let server: Doorward;
let stopUpstream: () => Promise<void>;
let tokensAreDown = false;
test.beforeAll(async () => {
  const clients = [
    {
      client_id: 'doorward',
      client_secret: 'a secret that both know',
      redirect_uris: [`${external.provider}/account/external/other/callback`],
    },
  ];
  const origins = { app: external.app, provider: external.upstream };
  stopUpstream = await serveForeignProvider(origins, { clients, tokensAreDown: () => tokensAreDown });
  server = await Doorward.start({ origins: external, config: external.config });
});
test.afterAll(async () => {
  await server?.stop();
  await stopUpstream?.();
});
test.beforeEach(({ context }) => withoutFonts(context));

const button = (page: Page, title = 'The other one') =>
  page.getByRole('button', { name: `Sign in with ${title}` });

test('the first sign-in makes an account, and the second one finds it', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/Admin\/Get.*status of 403/);
  const app = new Application(page, external);
  await app.open();
  await app.signIn.click();
  await button(page).click();
  await signInAndConsent(page, 'ada');
  await app.expectRunning();
  await expect(app.signOut).toBeVisible();
  const first = claimsOf((await app.idToken.textContent()) ?? '');
  expect(first).toMatchObject({ iss: external.provider, amr: ['external'] });

  await test.step('a role that no rule names is none here', async () => {
    // The other provider says that everybody is an administrator.
    const answer = await app.call('/api/DemoPolicyBased/Admin/Get');
    expect(answer.status()).toBe(403);
  });

  await app.signOut.click();
  await app.comeBackFromLogout();
  await app.expectSignedOut();
  await app.signIn.click();
  await expect(button(page)).toContainText('Last used');
  await button(page).click();
  // The session there is alive, so nobody is asked.
  await app.expectRunning();
  await expect(app.signOut).toBeVisible();
  const second = claimsOf((await app.idToken.textContent()) ?? '');
  expect(second['sub']).toBe(first['sub']);
});

test('a request that names the provider goes straight there', async ({ page }) => {
  await page.goto(authorizeUrl({ idp: 'other' }, external));
  await expect(page).toHaveURL(new RegExp(`^${external.upstream}`));
});

test('the other provider goes down in the middle, and another way in is left', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/status of 50\d/);
  const app = new Application(page, external);
  await app.open();
  await app.signIn.click();
  await button(page).click();
  tokensAreDown = true;
  await signInAndConsent(page, 'eve');
  await expect(page.getByRole('status')).toContainText('does not answer');
  tokensAreDown = false;
  await page.getByRole('link', { name: 'Back to sign-in' }).click();
  await new LoginPage(page).submit('alice', 'alice');
  await app.expectSignedInAs('alice');
});

test('a provider that is away is told before the user leaves', async ({ page, expectConsoleError }) => {
  expectConsoleError(/status of 503/);
  await page.goto(authorizeUrl({}, external));
  await button(page, 'The one that is away').click();
  await expect(page.getByRole('status')).toContainText('does not answer');
  expect(new URL(page.url()).origin).toBe(external.provider);
});

test('whoever cancels there comes back to all ways to sign in', async ({ page, expectConsoleError }) => {
  expectConsoleError(/status of 403/);
  await page.goto(authorizeUrl({ idp: 'other' }, external));
  await page.getByRole('link', { name: 'Cancel' }).click();
  await expect(page.getByRole('status')).toContainText('You did not sign in');
  await page.getByRole('link', { name: 'Back to sign-in' }).click();
  await new LoginPage(page).expectOpen(external.provider);
  await expect(button(page)).toBeVisible();
});
