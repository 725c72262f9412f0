// Sign-in with the password of a directory: the pages, with a real OpenLDAP behind them.
import type { Page } from '@playwright/test';
import { Application } from '../support/application.ts';
import { Doorward } from '../support/doorward.ts';
import { lookAt } from '../support/inspection.ts';
import { directory } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { Service } from '../support/service.ts';
import { expect, test } from '../support/test.ts';

let slapd: Service;
let server: Doorward;
// Each story has servers of its own: they change passwords, and fail on purpose.
test.beforeEach(async () => {
  slapd = await Service.start('test-slapd', 'ada:first secret', 'grace:first secret');
  const { config } = directory;
  server = await Doorward.start({ origins: directory, config, changes: { SLAPD: slapd.url } });
});
test.afterEach(async () => {
  await server?.stop();
  await slapd?.stop();
});
test.describe.configure({ mode: 'serial' });

const at = (path: string) => directory.provider + path;
const login = (page: Page) => new LoginPage(page);
const signedIn = (page: Page, name: string) =>
  expect(page.getByText('signed in as').locator('strong')).toHaveText(name);

async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.context().clearCookies();
  await page.goto(at('/account/login'));
  await login(page).submit(name, password);
}

test('a user of the directory signs in, and once more', async ({ page, expectConsoleError }) => {
  expectConsoleError(/\/account\/login.*status of 400/);
  const app = new Application(page, directory);
  await app.open();
  await app.signIn.click();
  await login(page).submit('ada', 'wrong');
  await expect(login(page).alert).toBeVisible();
  await login(page).submit('ada', 'first secret');
  await app.expectRunning();
  await expect(app.signOut).toBeVisible();
  const name = (await app.uid.textContent()) ?? '';
  expect(name).toContain('ada');

  await app.signOut.click();
  await app.comeBackFromLogout();
  await app.expectSignedOut();
  await app.signIn.click();
  await login(page).submit('ADA', 'first secret');
  await app.expectSignedInAs('ada', name);
});

test('a password that was changed in the directory counts at once', async ({ page, expectConsoleError }) => {
  expectConsoleError(/\/account\/login.*status of 400/);
  await signIn(page, 'ada', 'first secret');
  await signedIn(page, 'ada');
  await slapd.tell('set ada userPassword second secret');
  await signIn(page, 'ada', 'first secret');
  await expect(login(page).alert).toBeVisible();
  await login(page).submit('ada', 'second secret');
  await signedIn(page, 'ada');
});

test('a user changes the password here, and it is changed there', async ({ page, expectConsoleError }) => {
  expectConsoleError(/\/account\/(login|password).*status of 400/);
  await signIn(page, 'ada', 'first secret');
  await page.goto(at('/account/password'));
  const change = async (present: string) => {
    await page.getByLabel('Present password').fill(present);
    await page.getByLabel('New password').fill('second secret');
    await page.locator('input[name=repeated]').fill('second secret');
    await page.getByRole('button', { name: 'Change the password' }).click();
  };
  await change('wrong');
  await expect(page.getByRole('alert')).toBeVisible();
  await change('first secret');
  await expect(page.getByText('It is changed in the directory')).toBeVisible();
  await signIn(page, 'ada', 'first secret');
  await expect(login(page).alert).toBeVisible();
  await login(page).submit('ada', 'second secret');
  await signedIn(page, 'ada');
});

test('who must change the password first does so in the middle of the sign-in', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/\/account\/login.*status of 40[03]/);
  await slapd.tell('must-change grace');
  const app = new Application(page, directory);
  await app.open();
  await app.signIn.click();
  await login(page).submit('grace', 'first secret');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Change your password');
  await lookAt(page, 'directory-change-first');
  await page.locator('input[name=present]').fill('first secret');
  await page.locator('input[name=password]').fill('second secret');
  await page.locator('input[name=repeated]').fill('second secret');
  await page.keyboard.press('Enter');
  await app.expectRunning();
  await expect(app.signOut).toBeVisible();
  await signIn(page, 'grace', 'second secret');
  await signedIn(page, 'grace');
});

test('a directory that is down is told, and whoever is signed in stays', async ({
  page,
  browser,
  expectConsoleError,
}) => {
  expectConsoleError(/\/account\/login.*status of 503/);
  await signIn(page, 'ada', 'first secret');
  await signedIn(page, 'ada');
  const context = await browser.newContext();
  const other = await context.newPage();
  await slapd.tell('stop');
  await signIn(other, 'grace', 'first secret');
  await expect(other.getByRole('alert')).toContainText('does not answer at the moment');
  await expect(other.getByRole('alert')).toContainText('Nothing is wrong with your password');
  await lookAt(other, 'directory-down');
  await page.goto(at('/account'));
  await expect(page.getByText('You are signed in as')).toBeVisible();
  // Our own users have their passwords here.
  await login(other).submit('alice', 'alice');
  await signedIn(other, 'alice');

  // A server that has just failed is not asked at once again.
  await slapd.tell('start');
  await expect(async () => {
    await signIn(other, 'grace', 'first secret');
    await expect(other.getByText('signed in as').locator('strong')).toHaveText('grace', { timeout: 2000 });
  }).toPass();
  await context.close();
});
