// The user's own page: every section, as its owner walks through it, with the letters that demo mode keeps.
import { AxeBuilder } from '@axe-core/playwright';
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { account } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';
import { looks } from '../support/views.ts';

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

const sections = ['profile', 'email', 'password', 'sessions', 'activity', 'data', 'delete'] as const;

for (const [look, { colorScheme, viewport }] of Object.entries(looks)) {
  test.describe(look, () => {
    test.use({ colorScheme, viewport });
    test('every section is accessible and fits the screen', async ({ page: browser }) => {
      await signIn(browser, 'dave');
      const paths = ['', ...sections.map((section) => `/${section}`)];
      for (const path of [...paths.map((path) => `/account${path}`), '/demo/mail']) {
        await browser.goto(page(path));
        await expect(browser.getByRole('heading', { level: 1 })).toBeVisible();
        expect(new URL(browser.url()).pathname).toBe(path);
        const { violations } = await new AxeBuilder({ page: browser }).analyze();
        const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
        expect(serious.map(({ id, nodes }) => [path, id, nodes.map((node) => node.html)])).toEqual([]);
        const overflow = await browser.evaluate(() => {
          const root = document.documentElement;
          return root.scrollWidth - root.clientWidth;
        });
        expect(overflow, `${path}: horizontal overflow in pixels`).toBeLessThanOrEqual(0);
        if (process.env['PICTURES']) {
          const name = path.replaceAll('/', '-').slice(1);
          await browser.screenshot({ path: `screenshots/${name}-${look}.png`, fullPage: true });
        }
      }
    });
  });
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

  await openMessage(browser, 'Confirm your new e-mail address');
  await browser.locator('.message a').click();
  await browser.locator('form button').click();
  await expect(browser.getByRole('status')).toBeVisible();
  await browser.goto(page('/account/email'));
  await expect(browser.getByText('carol@new.example')).toBeVisible();

  await openMessage(browser, 'Your e-mail address was changed');
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
  await openMessage(browser, 'Your password was changed');

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
  await openMessage(browser, 'Your account was deleted');
});

/** Opens the latest letter of this subject; it may still be on its way. */
async function openMessage(browser: Page, subject: string): Promise<void> {
  await expect(async () => {
    await browser.goto(page('/demo/mail'));
    await browser.getByRole('link', { name: subject }).first().click({ timeout: 5_000 });
  }).toPass();
  await expect(browser.getByRole('heading', { level: 1 })).toHaveText(subject);
}
