// Every page of an account, as its owner comes to it: accessible in every look, and in German. `npm run screenshots`
// takes the pictures of them. The pages are found by their structure, since they speak two languages.
import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { authorizeUrl } from '../support/authorize.ts';
import { Doorward } from '../support/doorward.ts';
import { illustrate, lookAt } from '../support/inspection.ts';
import { gallery } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { followLink, openMail } from '../support/mail.ts';
import { expect, test } from '../support/test.ts';
import { totp } from '../support/totp.ts';
import type { Look } from '../support/views.ts';

const { provider } = gallery;
const good = 'violet kettle marches north';

let server: Doorward;
test.beforeAll(async () => {
  server = await Doorward.start({ origins: gallery, config: gallery.config, roles: ['provider'] });
});
test.afterAll(() => server?.stop());

/** Looks at the page that is open. */
type Show = (name: string) => Promise<void>;

const rounds: { name: string; locale: string; looks?: readonly Look[]; users: [string, string] }[] = [
  { name: 'english', locale: 'en-GB', users: ['dave', 'grace'] },
  { name: 'german', locale: 'de-DE', looks: ['light', 'phone'], users: ['carol', 'emmy'] },
];

for (const { name: round, locale, looks, users } of rounds) {
  test.describe(round, () => {
    test.use({ locale });
    test.describe.configure({ mode: 'serial' });
    test.setTimeout(600_000);
    const [owner, newcomer] = users;
    const suffix = round === 'english' ? '' : '-german';
    const show =
      (page: Page): Show =>
      (name) =>
        lookAt(page, `${name}${suffix}`, looks);

    test('a newcomer', async ({ page, expectConsoleError }) => {
      expectConsoleError(/status of 40[04]/);
      await registerAndForget(page, newcomer, show(page), round === 'english');
    });

    test("the owner's pages", async ({ page }) => {
      await signIn(page, owner);
      await confirmAddress(page, owner, show(page));
      await ownPages(page, show(page), round === 'english');
    });

    test('who must set a second factor up', async ({ page }) => {
      const acr = { essential: true, values: ['urn:doorward:acr:2'] };
      const claims = JSON.stringify({ id_token: { acr } });
      await page.goto(authorizeUrl({ claims }, gallery));
      await new LoginPage(page).submit('bob', 'bob');
      await expect(page.locator('#passkey-button')).toBeVisible();
      await show(page)('second-step-set-up');
    });

    test('second factors', async ({ page, expectConsoleError }) => {
      expectConsoleError(/status of 400/);
      await signIn(page, owner);
      await factors(page, owner, show(page), round === 'english');
    });

    test('a device, and the end', async ({ page, expectConsoleError }) => {
      expectConsoleError(/status of 40[04]/);
      await signIn(page, newcomer, good);
      await deviceAndEnd(page, show(page));
    });
  });
}

const at = (path: string) => provider + path;
const send = (page: Page) => page.locator('main form button.btn-primary').click();
const title = (page: Page) => page.getByRole('heading', { level: 1 });

async function signIn(page: Page, name: string, password = name): Promise<void> {
  await page.goto(at('/account/login?return_url=%2Faccount'));
  await new LoginPage(page).submit(name, password);
  await expect(page).toHaveURL(at('/account'));
}

async function choosePassword(page: Page, password: string): Promise<void> {
  await page.locator('#password').fill(password);
  await page.locator('#repeated').fill(password);
}

async function registerAndForget(page: Page, name: string, show: Show, forDocuments: boolean) {
  const address = `${name}@example.com`;
  await page.goto(authorizeUrl({}, gallery));
  await show('login-with-all');
  await page.goto(at('/account/register'));
  await page.locator('input[name=email]').fill(address);
  await send(page);
  await show('register-sent');
  await openMail(page, provider, address);
  await show('demo-mail-letter');
  if (forDocuments) await illustrate(page, 'mail');
  await followLink(page);
  await show('registration-form');
  await page.locator('#username').fill(name);
  await choosePassword(page, 'password1234');
  await send(page);
  await expect(page.getByRole('alert')).toBeVisible();
  await show('registration-form-refused');
  await choosePassword(page, good);
  await send(page);
  await expect(page).toHaveURL(at('/'));
  await page.goto(at('/demo/mail'));
  await show('demo-mail');

  await page.context().clearCookies();
  await page.goto(at('/account/forgot-password'));
  await page.locator('input[name=account]').fill(name);
  await send(page);
  await show('forgot-password-sent');
  await openMail(page, provider, address, /password|Passwort/);
  await followLink(page);
  await show('reset-password');
  await choosePassword(page, good);
  await send(page);
  await show('reset-password-done');

  const invited = `invited-${name}@example.com`;
  const language = forDocuments ? 'en' : 'de';
  server.run('user', 'invite', invited, '--name', 'Ada Lovelace', '--language', language);
  await openMail(page, provider, invited);
  await followLink(page);
  await expect(page.locator('#username')).toBeVisible();
  await show('invitation-form');
}

async function confirmAddress(page: Page, name: string, show: Show) {
  const address = `${name}@new.example`;
  await page.goto(at('/account/email'));
  await page.locator('input[name=email]').fill(address);
  await send(page);
  await expect(page.getByRole('status')).toBeVisible();
  await openMail(page, provider, address);
  await followLink(page);
  await expect(page.getByText(address).first()).toBeVisible();
  await show('verify-email');
  await send(page);
  await expect(page).toHaveURL(at('/account/verify-email'));
  await show('verify-email-done');
  await page.goto(at('/account'));
}

async function ownPages(page: Page, show: Show, forDocuments: boolean) {
  await show('account');
  if (forDocuments) await illustrate(page, 'account');
  for (const section of [
    'profile',
    'email',
    'password',
    'sessions',
    'activity',
    'data',
    'delete',
    'identities',
  ]) {
    await page.goto(at(`/account/${section}`));
    await expect(title(page)).toBeVisible();
    expect(new URL(page.url()).pathname).toBe(`/account/${section}`);
    await show(`account-${section}`);
  }
  await page.goto(at('/grants'));
  await show('grants-empty');
  await page.goto(at('/'));
  await show('provider-home');
}

async function factors(page: Page, name: string, show: Show, forDocuments: boolean) {
  const device = await Authenticator.add(page);
  await page.goto(at('/account/passkeys'));
  await expect(page.locator('#passkey-button')).toBeVisible();
  await show('passkeys-none');
  await page.locator('#name').fill('My laptop');
  await page.locator('#passkey-button').click();
  await expect(page.locator('#passkeys')).toContainText('My laptop');
  await page.locator('#passkeys summary').click();
  await show('passkeys');
  await device.setPresent(false);

  await page.goto(at('/account/authenticator'));
  await show('authenticator-none');
  await send(page);
  await page.locator('main details > summary').click();
  await show('authenticator-set-up');
  const key = await page.locator('#secret').innerText();
  await page.locator('#code').fill(totp(key));
  await send(page);
  await expect(page.locator('#recovery-codes li')).toHaveCount(10);
  await show('recovery-codes-new');
  await page.goto(at('/account/authenticator'));
  await show('authenticator');
  await page.goto(at('/account/recovery-codes'));
  await show('recovery-codes');
  await page.goto(at('/account/password'));
  await show('account-password-with-factors');

  await page.context().clearCookies();
  await page.goto(at('/account/login'));
  await expect(page.locator('#passkey-button')).toBeVisible();
  await show('login-with-passkey');
  if (forDocuments) await illustrate(page, 'login');
  await new LoginPage(page).submit(name, name);
  await expect(page.locator('#code')).toBeVisible();
  await show('second-step');
  if (forDocuments) await illustrate(page, 'second-step');
  await page.locator('#code').fill('12345');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert').first()).toBeVisible();
  await show('second-step-refused');
  await page.locator('main a.btn-quiet').first().click();
  await show('second-step-recovery-code');
}

async function deviceAndEnd(page: Page, show: Show) {
  const begin = async () => {
    const form = { client_id: 'television', scope: 'openid profile email offline_access' };
    const answer = await page.request.post(at('/connect/deviceauthorization'), { form });
    return (await answer.json()).user_code as string;
  };
  await page.goto(at(`/device?user_code=${await begin()}`));
  await show('device-code');
  await send(page);
  await expect(page.locator('button[value=allow]')).toBeVisible();
  await show('device-confirm');
  await page.locator('button[value=allow]').click();
  await show('device-allowed');
  await page.goto(at('/device'));
  await page.locator('input[name=user_code]').fill('AAAA-AAAA');
  await send(page);
  await expect(page.getByRole('alert')).toBeVisible();
  await show('device-refused');
  await page.goto(at('/nothing'));
  await show('not-found');
  await page.goto(at('/account/delete'));
  await page.locator('input[name=sure]').check();
  await page.locator('main form button.btn-danger').click();
  await expect(page).not.toHaveURL(at('/account'));
  await show('account-deleted');
}
