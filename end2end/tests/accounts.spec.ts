// Accounts without an operator: registration by mail, a forgotten password, and what strangers learn. Demo mode keeps
// the mails; the stories open the links in them.
import type { Page } from '@playwright/test';
import { Application } from '../support/application.ts';
import { authorizeUrl } from '../support/authorize.ts';
import { Doorward } from '../support/doorward.ts';
import { accounts } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { followLink, openMail } from '../support/mail.ts';
import { expect, test } from '../support/test.ts';

let server: Doorward;
test.beforeAll(async () => {
  server = await Doorward.start({ origins: accounts, config: accounts.config });
});
test.afterAll(() => server?.stop());

const good = 'violet kettle marches north';
const at = (path: string) => accounts.provider + path;

/** Follows the link in the latest mail to this address with this subject. */
async function openLink(page: Page, address: string, subject: RegExp): Promise<void> {
  await openMail(page, accounts.provider, address, subject);
  await followLink(page);
}

async function choosePassword(page: Page, password: string): Promise<void> {
  await page.getByLabel('New password').fill(password);
  await page.getByLabel('Repeat the password').fill(password);
}

test('a newcomer registers by mail and goes on to the application', async ({ page }) => {
  const app = new Application(page, accounts);
  await app.open();
  await app.signIn.click();
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByLabel('E-mail address').fill('grace@example.com');
  await page.getByRole('button', { name: 'Send the link' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Check your mail');

  await openLink(page, 'grace@example.com', /confirm/i);
  await expect(page.getByText('grace@example.com is confirmed')).toBeVisible();
  await page.getByLabel('Full name').fill('Grace Hopper');
  await page.getByLabel('User name').fill('grace');
  await choosePassword(page, good);
  await page.getByRole('button', { name: 'Create an account' }).click();
  await app.expectSignedInAs('grace');
});

test('an invited person makes an account, with the roles of the invitation, once', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/status of 404/);
  server.run('user', 'invite', 'ada@example.com', '--name', 'Ada Lovelace', '--role', 'editor');
  await openLink(page, 'ada@example.com', /invited/i);
  const link = page.url();
  await expect(page.getByText('address ada@example.com')).toBeVisible();
  await expect(page.getByLabel('Full name')).toHaveValue('Ada Lovelace');
  await page.getByLabel('User name').fill('ada');
  await choosePassword(page, good);
  await page.getByRole('button', { name: 'Create an account' }).click();
  await expect(page.getByText('signed in as').locator('strong')).toHaveText('ada');
  expect(JSON.parse(server.run('user', 'show', 'ada', '--json')).claims.role).toEqual(['editor']);

  await page.goto(link);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This link does not work any more');
});

test('prompt=create opens the registration', async ({ page }) => {
  await page.goto(authorizeUrl({ prompt: 'create' }, accounts));
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Create an account');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await new LoginPage(page).expectOpen(accounts.provider);
});

test('a forgotten password is replaced by mail, once', async ({ page, expectConsoleError }) => {
  expectConsoleError(/status of 40[04]/);
  const app = new Application(page, accounts);
  await app.open();
  await app.signIn.click();
  await page.getByRole('link', { name: 'Forgot password?' }).click();
  await page.getByLabel('User name or e-mail address').fill('dave@example.com');
  await page.getByRole('button', { name: 'Send the link' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Check your mail');

  await openLink(page, 'dave@example.com', /new password/i);
  const link = page.url();
  await choosePassword(page, 'password1234');
  await page.getByRole('button', { name: 'Save the password' }).click();
  await expect(page.getByRole('alert')).toContainText('easy to guess');
  await choosePassword(page, good);
  await page.getByRole('button', { name: 'Save the password' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Your password is changed');

  await page.getByRole('link', { name: 'Sign in' }).click();
  const form = new LoginPage(page);
  await form.submit('dave', 'dave');
  await expect(form.alert).toBeVisible();
  await form.submit('dave@example.com', good);
  await app.expectSignedInAs('dave');

  await page.goto(link);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This link does not work any more');
});

test('a stranger sees the same for known and unknown addresses, and the owner is told', async ({ page }) => {
  const answers: string[] = [];
  for (const address of ['bob@example.com', 'nobody@example.com']) {
    await page.goto(at('/account/register'));
    await page.getByLabel('E-mail address').fill(address);
    await page.getByRole('button', { name: 'Send the link' }).click();
    answers.push(await page.locator('main').innerText());
  }
  expect(answers[0]).toBe(answers[1]);
  await openLink(page, 'bob@example.com', /have an account already/i);
  await new LoginPage(page).expectOpen(accounts.provider);
});

test('the forms work by the keyboard alone', async ({ page }) => {
  await page.goto(at('/account/forgot-password'));
  await expect(page.getByLabel('User name or e-mail address')).toBeFocused();
  await page.keyboard.type('carol');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Check your mail');
});
