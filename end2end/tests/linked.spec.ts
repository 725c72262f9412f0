// Accounts at another provider that we did not write: linked by their users, found by an address that it vouches for,
// and never by one that it does not.
import type { Page } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { serveForeignProvider, signInAndConsent, withoutFonts } from '../support/foreign-provider.ts';
import { lookAt } from '../support/inspection.ts';
import { linked } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';

let server: Doorward;
let stopUpstream: () => Promise<void>;
test.beforeAll(async () => {
  const clients = [
    {
      client_id: 'doorward',
      client_secret: 'a secret that both know',
      redirect_uris: [`${linked.provider}/account/external/other/callback`],
    },
  ];
  const origins = { app: linked.app, provider: linked.upstream };
  // Alice and eve have written their addresses there themselves.
  const vouchesFor = (sub: string) => !['alice', 'eve'].includes(sub);
  stopUpstream = await serveForeignProvider(origins, { clients, vouchesFor });
  server = await Doorward.start({ origins: linked, config: linked.config, roles: ['provider'] });
});
test.afterAll(async () => {
  await server?.stop();
  await stopUpstream?.();
});
test.beforeEach(({ context }) => withoutFonts(context));
test.describe.configure({ mode: 'serial' });

const at = (path: string) => linked.provider + path;
const title = (page: Page) => page.getByRole('heading', { level: 1 });
const signedIn = (page: Page, name: string) =>
  expect(page.getByText('signed in as').locator('strong')).toHaveText(name);

async function signIn(page: Page, name: string, path = '/account/login'): Promise<void> {
  await page.goto(at(path));
  await new LoginPage(page).submit(name, name);
}

/** Signs in at the other provider, as who is nobody there yet. */
async function signInElsewhere(page: Page, name: string): Promise<void> {
  await page.context().clearCookies();
  await page.goto(at('/account/login'));
  await page.getByRole('button', { name: 'Sign in with The other one' }).click();
  await signInAndConsent(page, name);
}

test('a user links an account, signs in by it, and removes it', async ({ page }) => {
  await signIn(page, 'carol', '/account/login?return_url=%2Faccount%2Fidentities');
  await expect(title(page)).toHaveText('Linked accounts');
  await expect(page.getByText('No account is linked')).toBeVisible();
  await page.getByRole('button', { name: 'Link The other one' }).click();
  await signInAndConsent(page, 'caroline');
  await expect(title(page)).toHaveText('Linked accounts');
  const own = page.getByRole('listitem').filter({ hasText: 'caroline@example.com' });
  await expect(own).toBeVisible();
  await lookAt(page, 'linked-accounts');

  await page.goto(at('/account/activity'));
  await expect(page.getByText('The other one (caroline@example.com)').first()).toBeVisible();
  await signInElsewhere(page, 'caroline');
  await signedIn(page, 'carol');

  await page.context().clearCookies();
  await signIn(page, 'carol', '/account/login?return_url=%2Faccount%2Fidentities');
  await page.getByRole('button', { name: 'Remove The other one' }).click();
  await expect(page.getByText('No account is linked')).toBeVisible();
  await signInElsewhere(page, 'caroline');
  await expect(title(page)).toHaveText('Your account at The other one is not linked yet');
});

test('an address that the other provider vouches for finds the account, until its user says otherwise', async ({
  page,
}) => {
  await signInElsewhere(page, 'bob');
  await signedIn(page, 'bob');
  await page.context().clearCookies();
  await signIn(page, 'bob', '/account/login?return_url=%2Faccount%2Fidentities');
  await page.getByRole('button', { name: 'Remove The other one' }).click();
  await expect(page.getByText('No account is linked')).toBeVisible();

  await signInElsewhere(page, 'bob');
  await expect(title(page)).toHaveText('Your account at The other one is not linked yet');
  await expect(page.getByText('There is an account with your e-mail address here')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Create an account' })).toBeHidden();
  await lookAt(page, 'linked-address-known');
  await page.getByRole('link', { name: 'Sign in and link' }).click();
  await new LoginPage(page).submit('bob', 'bob');
  await page.getByRole('button', { name: 'Link The other one with the account bob' }).click();
  await expect(page.getByRole('listitem').filter({ hasText: 'bob@example.com' })).toBeVisible();
  await signInElsewhere(page, 'bob');
  await signedIn(page, 'bob');
});

test('an address that nobody vouches for leads to no account', async ({ page }) => {
  await signInElsewhere(page, 'alice');
  await expect(title(page)).toHaveText('Your account at The other one is not linked yet');
  await expect(page.getByText('There is an account with your e-mail address')).toBeHidden();
  await page.getByRole('button', { name: 'Create an account' }).click();
  // The name is alice's.
  await expect(page.getByText('signed in as').locator('strong')).not.toHaveText('alice');
  await page.context().clearCookies();
  await signIn(page, 'alice', '/account/login?return_url=%2Faccount%2Fidentities');
  await expect(page.getByText('No account is linked')).toBeVisible();
});

test('whoever is new decides, and has an account', async ({ page }) => {
  await signInElsewhere(page, 'eve');
  await expect(page.getByText('You signed in at The other one as eve@example.com')).toBeVisible();
  await lookAt(page, 'linked-create-or-link');
  await page.getByRole('button', { name: 'Create an account' }).click();
  await signedIn(page, 'eve');
  await signInElsewhere(page, 'eve');
  await signedIn(page, 'eve');
});
