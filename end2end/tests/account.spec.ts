// The user's own page: every section, as its owner walks through it, with the letters that demo mode keeps.
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { account } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { openMail } from '../support/mail.ts';
import { expect, test } from '../support/test.ts';

const page = (path: string) => account.provider + path;
const newPassword = 'pflaume dachstuhl eimer';

let server: Doorward;
test.beforeAll(async () => {
  server = await Doorward.start({ origins: account, config: account.config, roles: ['provider'] });
});
test.afterAll(() => server?.stop());

async function signIn(browser: Page, user: string, password = user): Promise<void> {
  await browser.goto(page('/account/login'));
  await new LoginPage(browser).submit(user, password);
  await browser.goto(page('/account'));
  await expect(browser.getByRole('heading', { level: 1 })).toHaveText('Your account');
}

test('the home page leads there, and the sections are reached by keyboard', async ({ page: browser }) => {
  await signIn(browser, 'dave');
  await browser.goto(page('/'));
  await browser.getByRole('link', { name: 'Your account' }).focus();
  await browser.keyboard.press('Enter');
  await expect(browser.getByRole('heading', { level: 1 })).toHaveText('Your account');
  await browser.getByRole('link', { name: 'Profile' }).focus();
  await browser.keyboard.press('Enter');
  await expect(browser.getByRole('heading', { level: 1 })).toHaveText('Profile');
  await browser.getByLabel('Nickname').focus();
  await browser.keyboard.type('Davy');
  await browser.keyboard.press('Enter');
  await expect(browser.getByRole('status')).toHaveText('Your changes are saved.');
});

test('what is typed wrong is told, and stays in the field', async ({ page: browser, expectConsoleError }) => {
  expectConsoleError(/status of 400/);
  await signIn(browser, 'dave');
  await browser.goto(page('/account/profile'));
  await browser.getByLabel('Time zone').fill('somewhere');
  await browser.getByRole('button', { name: 'Save' }).click();
  await expect(browser.getByRole('alert')).toContainText('Time zone');
  await expect(browser.getByLabel('Time zone')).toHaveValue('somewhere');
  await expect(browser.getByLabel('Time zone')).toHaveAttribute('aria-invalid', 'true');
});

test('another e-mail address is confirmed by its link, and the one before is told', async ({
  page: browser,
}) => {
  await signIn(browser, 'carol');
  await browser.goto(page('/account/email'));
  await browser.getByLabel('New e-mail address').fill('carol@new.example');
  await browser.getByRole('button', { name: 'Send the link' }).click();
  await expect(browser.getByRole('status')).toContainText('carol@new.example');

  await openMail(browser, account.provider, 'carol@new.example', 'Confirm your new e-mail address');
  await browser.locator('.message a').click();
  await expect(browser.getByRole('heading', { level: 1 })).toHaveText('Confirm your e-mail address');
  await expect(browser.getByText('Shall carol@new.example be the address')).toBeVisible();
  await browser.goto(page('/account/email'));
  await expect(browser.getByText('carol@example.com')).toBeVisible();
  await browser.goBack();
  await browser.locator('form button').click();
  await expect(browser.getByRole('status')).toBeVisible();
  await browser.goto(page('/account/email'));
  await expect(browser.getByText('carol@new.example')).toBeVisible();

  await openMail(browser, account.provider, 'carol@example.com', 'Your e-mail address was changed');
  await expect(browser.getByText('To carol@example.com')).toBeVisible();
});

test('another password signs out everywhere else', async ({ page: browser, browser: chromium }) => {
  const other = await (await chromium.newContext()).newPage();
  await signIn(other, 'bob');
  await signIn(browser, 'bob');
  await browser.goto(page('/account/password'));
  await browser.getByLabel('Present password').fill('bob');
  await browser.getByLabel('New password').fill(newPassword);
  await browser.locator('input[name=repeated]').fill(newPassword);
  await browser.getByRole('button', { name: 'Change the password' }).click();
  await expect(browser.getByRole('status')).toContainText('Your password is changed');

  await browser.goto(page('/account'));
  await expect(browser.getByText('You are signed in as')).toBeVisible();
  await other.goto(page('/account'));
  await new LoginPage(other).expectOpen(account.provider);
  await signIn(other, 'bob', newPassword);
  await openMail(browser, account.provider, 'bob@example.com', 'Your password was changed');

  await browser.goto(page('/account/activity'));
  await expect(browser.getByText('Password changed')).toBeVisible();
  await browser.goto(page('/account/sessions'));
  await browser.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(browser.getByText('You are signed in here only.')).toBeVisible();
  await other.goto(page('/account'));
  await new LoginPage(other).expectOpen(account.provider);
  await other.context().close();
});

test('the data can be downloaded, and the account deleted', async ({ page: browser, expectConsoleError }) => {
  expectConsoleError(/status of 400/);
  await signIn(browser, 'jblin');
  await browser.goto(page('/account/data'));
  const [download] = await Promise.all([
    browser.waitForEvent('download'),
    browser.getByRole('button', { name: 'Download as JSON' }).click(),
  ]);
  const data = JSON.parse(readFileSync(await download.path(), 'utf8'));
  expect([data.username, data.claims.email, data.sessions.length]).toEqual(['jblin', 'jblin@xxx.com', 1]);
  expect(JSON.stringify(data)).not.toContain('argon2');

  await browser.goto(page('/account/delete'));
  await browser.getByLabel('Yes, delete my account for good').check();
  await browser.getByRole('button', { name: 'Delete the account' }).click();
  await expect(browser.getByRole('heading', { level: 1 })).toHaveText('Your account is deleted');
  await browser.goto(page('/account/login'));
  await new LoginPage(browser).submit('jblin', 'jblin');
  await expect(browser.getByRole('alert')).toBeVisible();
  await openMail(browser, account.provider, 'jblin@xxx.com', 'Your account was deleted');
});
