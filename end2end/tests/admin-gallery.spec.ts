// Every page, form and dialog for administrators: accessible in every look, and in German. `npm run screenshots` takes
// the pictures of them.
import { AdminPages } from '../support/admin.ts';
import { Doorward } from '../support/doorward.ts';
import { illustrate, lookAt } from '../support/inspection.ts';
import { admin } from '../support/instances.ts';
import { expect, test } from '../support/test.ts';

const origins = { app: 'http://localhost:5995', provider: 'http://localhost:6995' };
const { provider } = origins;

let server: Doorward;
test.beforeAll(async () => {
  const env = {
    DOORWARD_PROVIDER__ISSUER: provider,
    DOORWARD_PROVIDER__LISTEN: 'localhost:6995',
    DOORWARD_APP__URL: origins.app,
    DOORWARD_APP__LISTEN: 'localhost:5995',
  };
  server = await Doorward.start({ origins, config: admin.config, env, roles: ['provider'] });
});
test.afterAll(() => server?.stop());
test.describe.configure({ mode: 'serial' });
test.setTimeout(600_000);

test('users, invitations and groups', async ({ browser }) => {
  const pages = await AdminPages.of(browser, provider, 'olga');
  const { page } = pages;
  const show = (name: string) => lookAt(page, `admin-${name}`);

  await pages.go('Users');
  await show('users');
  await page.getByLabel('Beginning of the user name').fill('nobody at all');
  await expect(page.getByText('Nothing was found that begins so.')).toBeVisible();
  await show('users-none');
  await pages.reopen('/new-user');
  await page.getByLabel('E-mail address').fill('nobody');
  await pages.button('Add a user').click();
  await expect(page.locator('#new-username')).toBeFocused();
  await show('new-user');
  await pages.reopen('/users/alice');
  await show('user');
  await illustrate(page, 'admin-user');
  await pages.button('Edit').click();
  await page.getByLabel('Type of claim 1').selectOption('List');
  await pages.button('Add a claim').click();
  await page
    .getByLabel(/^Value of claim/)
    .last()
    .fill('without a name');
  await pages.button('Save').click();
  await expect(page.getByText('Give the claim a name.')).toBeVisible();
  await show('user-edit');
  await pages.button('Cancel').click();
  for (const [button, name] of [
    ['Change role', 'role'],
    ['Disable', 'disable'],
    ['Remove', 'remove'],
  ] as const) {
    await page.getByRole('button', { name: button, exact: true }).click();
    await expect(pages.dialog).toBeVisible();
    await show(`user-${name}`);
    await page.keyboard.press('Escape');
    await expect(pages.dialog).toHaveCount(0);
  }

  await pages.go('Invitations');
  await show('invitations-none');
  await pages.button('Invite somebody').click();
  await show('invite');
  await pages.dialog.getByLabel('E-mail address').fill('new@example.com');
  await pages.dialog.getByLabel('Send no mail').check();
  await pages.dialog.getByRole('button', { name: 'Invite somebody' }).click();
  await expect(page.locator('#once')).toBeVisible();
  await show('invitation-link');
  await pages.button('Close').click();
  await show('invitations');

  await pages.go('Groups');
  await show('groups-none');
  await pages.button('Add a group').click();
  await pages.dialog.getByLabel('Name', { exact: true }).fill('sales');
  await pages.dialog.getByLabel('Roles in applications').fill('seller\nviewer');
  await pages.button('Add a claim').click();
  await pages.dialog.getByLabel('Name of claim 1').fill('region');
  await pages.dialog.getByLabel('Value of claim 1').fill('North');
  await show('add-group');
  await pages.dialog.getByRole('button', { name: 'Add a group' }).click();
  await expect(pages.heading).toHaveText('sales');
  await page.getByLabel('Add a member').fill('dav');
  await pages.button('Add: dave').click();
  await expect(pages.button('Remove: dave')).toBeVisible();
  await show('group');
  await pages.button('Edit').click();
  await show('group-edit');
  await pages.go('Groups');
  await show('groups');
  await pages.close();
});

test('clients', async ({ browser, expectConsoleError }) => {
  expectConsoleError(/status of 422/);
  const pages = await AdminPages.of(browser, provider, 'olga', '/clients');
  const { page } = pages;
  const show = (name: string) => lookAt(page, `admin-${name}`);

  await show('clients');
  await pages.button('Add a client').click();
  await page.getByLabel('Identifier (client_id)').fill('shop');
  await page.getByLabel('Redirect URIs 1', { exact: true }).fill('http://shop.example/callback');
  await pages.dialog.getByRole('button', { name: 'Add a client' }).click();
  await expect(page.locator('.field-error')).toBeVisible();
  await show('add-client');
  await page.getByLabel('Redirect URIs 1', { exact: true }).fill('https://shop.example/callback');
  await pages.dialog.getByRole('button', { name: 'Add a client' }).click();
  await expect(page.locator('#once')).toBeVisible();
  await show('client-secret');
  await pages.button('I have it, go on').click();
  await expect(pages.heading).toHaveText('shop');
  await pages.ready();
  await show('client');
  await pages.button('Edit').click();
  await expect(page.getByText('About you')).toHaveCount(0);
  await pages.ready();
  await show('client-edit');
  await illustrate(page, 'admin-client', '.admin-columns > .stack > .card');
  await page.locator('main details.fold').evaluateAll((all) => {
    for (const details of all as HTMLDetailsElement[]) details.open = true;
  });
  await show('client-edit-all');
  await page.getByLabel('Access tokens', { exact: true }).fill('soon');
  await pages.button('Save').click();
  await expect(page.locator('#setting-access_token_lifetime-error')).toBeVisible();
  await show('client-edit-refused');
  await pages.button('Cancel').click();
  await pages.button('Add a secret').click();
  await show('add-secret');
  await pages.reopen('/clients/PkceJS');
  await show('client-of-file');
  await pages.close();
});

/** What a check of the provider in the pictures would say: nobody is there. */
const checked = {
  checks: [
    { check: 'discovery', ok: true, text: 'https://sso.example.com/realms/staff names itself so' },
    { check: 'keys', ok: true, text: '2 at https://sso.example.com/realms/staff/certs' },
    { check: 'authorization request', ok: true, text: 'goes to https://sso.example.com/realms/staff/auth' },
  ],
  registration: {},
};

test('identity providers', async ({ browser }) => {
  const pages = await AdminPages.of(browser, provider, 'olga', '/identity-providers');
  const { page } = pages;
  const show = (name: string) => lookAt(page, `admin-${name}`);
  await page.route('**/identity-providers/company/check', (route) => route.fulfill({ json: checked }));

  await page.getByRole('link', { name: 'Add a provider' }).click();
  await show('new-identity-provider');
  await page.getByLabel('Name in addresses').fill('company');
  await page.getByLabel('Kind of provider').selectOption({ label: 'Keycloak' });
  await pages.button('Add a provider').click();
  await expect(page.getByText('Fill this in.').first()).toBeVisible();
  await show('new-identity-provider-refused');
  await page.getByLabel('Name, as users see it').fill('The company');
  await page.getByLabel('Issuer', { exact: true }).fill('https://sso.example.com/realms/staff');
  await page.getByLabel('Identifier there (client_id)').fill('doorward');
  await page.getByLabel('Secret', { exact: true }).fill('a secret that both know');
  await page.getByRole('button', { name: 'Add: Trusted e-mail domains' }).click();
  await page.keyboard.type('example.com');
  await page.locator('details.fold > summary').filter({ hasText: 'Claims' }).click();
  const rules = [
    { claim: 'department', from: '/department' },
    { claim: 'role', from: '/realm_access/roles', only: ['editor', 'viewer'] },
  ];
  await page.getByLabel('Claims, roles and groups by rules').fill(JSON.stringify(rules));
  await pages.button('Add a provider').click();
  await expect(pages.heading).toHaveText('company');
  await pages.ready();
  await pages.button('Check now').click();
  await expect(page.locator('#steps > li')).toHaveCount(3);
  await pages.button('Close').click();
  await show('identity-provider');
  await illustrate(page, 'admin-identity-provider');
  await pages.button('Edit').click();
  await show('identity-provider-edit');
  await page.locator('main details.fold').evaluateAll((all) => {
    for (const details of all as HTMLDetailsElement[]) details.open = true;
  });
  await show('identity-provider-edit-all');
  await pages.button('Cancel').click();
  for (const [button, name] of [
    ['Replace the secret', 'replace'],
    ['Disable', 'disable'],
    ['Remove', 'remove'],
  ] as const) {
    await page.getByRole('button', { name: button, exact: true }).click();
    await expect(pages.dialog).toBeVisible();
    await show(`identity-provider-${name}`);
    await page.keyboard.press('Escape');
    await expect(pages.dialog).toHaveCount(0);
  }
  await pages.go('Identity providers');
  await show('identity-providers');
  await pages.reopen('/identity-providers/google');
  await show('identity-provider-of-file');
  await pages.close();
});

/** What is open to whoever may see all. */
const paths = {
  overview: '',
  directories: '/directories',
  resources: '/resources',
  keys: '/keys',
  outbox: '/outbox',
  events: '/events',
  configuration: '/configuration',
  missing: '/nothing',
};

test('everything else', async ({ browser }) => {
  const pages = await AdminPages.of(browser, provider, 'olga');
  const { page } = pages;
  for (const [name, path] of Object.entries(paths)) {
    await pages.reopen(path);
    await lookAt(page, `admin-${name}`);
    if (name === 'overview') await illustrate(page, 'admin');
  }
  await pages.reopen('/events');
  await page.locator('.event > summary').first().click();
  await page.locator('details.more > summary').first().click();
  await lookAt(page, 'admin-event');
  await pages.reopen('/keys');
  await pages.button('Rotate').click();
  await lookAt(page, 'admin-rotate');
  await pages.close();
});

test('what is in place of a page', async ({ browser }) => {
  const context = await browser.newContext();
  const stranger = new AdminPages(await context.newPage(), provider);
  await stranger.open();
  await expect(stranger.signIn).toBeVisible();
  await lookAt(stranger.page, 'admin-signed-out');
  await context.close();
  const pages = await AdminPages.of(browser, provider, 'helen', '/users');
  await pages.reopen('/clients');
  await lookAt(pages.page, 'admin-not-yours');
  await pages.close();
});

test('in German', async ({ browser }) => {
  const pages = await AdminPages.of(browser, provider, 'olga', '', { locale: 'de-DE' });
  const { page } = pages;
  const more = {
    users: '/users',
    'new-user': '/new-user',
    invitations: '/invitations',
    group: '/groups/sales',
    clients: '/clients',
    'identity-providers': '/identity-providers',
    'new-identity-provider': '/new-identity-provider',
  };
  const show = (name: string) => lookAt(page, `admin-${name}-german`, ['light', 'phone']);
  for (const [name, path] of Object.entries({ ...paths, ...more })) {
    await pages.reopen(path);
    await show(name);
  }
  for (const [name, path] of [
    ['user', '/users/alice'],
    ['client', '/clients/shop'],
    ['identity-provider', '/identity-providers/company'],
  ] as const) {
    await pages.reopen(path);
    await show(name);
    await pages.button('Bearbeiten').click();
    await pages.ready();
    await page.locator('main details.fold').evaluateAll((all) => {
      for (const details of all as HTMLDetailsElement[]) details.open = true;
    });
    await show(`${name}-edit`);
  }
  await pages.close();
});
