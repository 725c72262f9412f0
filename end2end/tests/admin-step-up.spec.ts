// A newcomer in demo mode: opens the pages, and is led to a sign-in by two factors and back when it matters (RFC 9470).
import { AdminPages, setUpApp } from '../support/admin.ts';
import { Doorward } from '../support/doorward.ts';
import { adminDemo } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';

const { provider } = adminDemo;

let server: Doorward;
test.beforeEach(async () => {
  const env = { DOORWARD_ADMIN__ENABLED: 'true' };
  server = await Doorward.start({ origins: adminDemo, config: adminDemo.config, env });
});
test.afterEach(() => server?.stop());

test('a change that matters leads to a sign-in by two factors, and goes on after it', async ({ page }) => {
  const pages = new AdminPages(page, provider);
  await pages.open('/users/bob');
  await pages.signIn.click();
  await new LoginPage(page).submit('alice', 'alice');
  await pages.ready();
  await expect(page).toHaveURL(`${provider}/admin/users/bob`);
  await expect(pages.heading).toHaveText('bob');

  await test.step('what only looks needs nothing', async () => {
    await pages.go('Users');
    await page.getByRole('link', { name: 'bob' }).click();
    await expect(pages.object.getByText('bob@example.com')).toBeVisible();
  });

  await pages.button('Edit').click();
  await expect(pages.dialog).toContainText('two factors');
  const authorized = page.waitForRequest((request) => request.url().includes('/connect/authorize?'));
  await pages.dialog.getByRole('button', { name: 'Sign in again' }).click();
  const asked = new URL((await authorized).url()).searchParams;
  expect([asked.get('acr_values'), asked.get('max_age')]).toEqual(['urn:doorward:acr:2', '900']);
  await new LoginPage(page).submit('alice', 'alice');
  await setUpApp(page);
  await pages.ready();

  await test.step('what was meant goes on', async () => {
    await expect(page).toHaveURL(`${provider}/admin/users/bob`);
    await page.getByLabel('Full name').fill('Robert Baker');
    await pages.button('Save').click();
    await expect(pages.notice).toContainText('Saved');
    await expect(pages.object.getByText('Robert Baker')).toBeVisible();
  });

  await test.step('once, and not again when the page is loaded anew', async () => {
    await page.reload();
    await pages.ready();
    await expect(pages.button('Edit')).toBeVisible();
    await expect(page.getByLabel('Full name')).toHaveCount(0);
  });
});

test('a form opens after the sign-in that it needs, so that nothing typed is lost', async ({ page }) => {
  const pages = new AdminPages(page, provider);
  await pages.open('/users');
  await pages.signIn.click();
  await new LoginPage(page).submit('alice', 'alice');
  await pages.ready();
  await page.getByRole('link', { name: 'Add a user' }).click();
  await expect(pages.dialog).toContainText('two factors');
  await expect(page.getByLabel('User name')).toHaveCount(0);
  await pages.dialog.getByRole('button', { name: 'Sign in again' }).click();
  await new LoginPage(page).submit('alice', 'alice');
  await setUpApp(page);
  await pages.ready();
  await expect(page).toHaveURL(`${provider}/admin/new-user`);
  await page.getByLabel('User name').fill('zoe');
  await pages.button('Add a user').click();
  await expect(pages.heading).toHaveText('zoe');
});

test('a sign-in that was ended ends the pages', async ({ page, expectConsoleError }) => {
  expectConsoleError(/status of (401|403|400)/);
  const pages = new AdminPages(page, provider);
  await pages.open('/users/alice');
  await pages.signIn.click();
  await new LoginPage(page).submit('alice', 'alice');
  await pages.ready();
  await pages.button('End all').click();
  await pages.dialog.getByRole('button', { name: 'End' }).click();
  await expect(pages.heading).toHaveText(/No role in the administration|Administration/);
  await expect(pages.navigation).toHaveCount(0);
});
