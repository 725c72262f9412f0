// Identity providers in the pages for administrators: one is added, checked, used, changed and removed.
import type { Browser, Locator, Page } from '@playwright/test';
import { AdminPages, setUpApp } from '../support/admin.ts';
import { Doorward } from '../support/doorward.ts';
import { admin, upstreamDoorward } from '../support/instances.ts';
import { expectAccessible } from '../support/inspection.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';

const origins = { app: 'http://localhost:5934', provider: 'http://localhost:6934' };
const { provider } = origins;
/** The other provider: a second Doorward, which knows the first one as its client. */
const there = { app: 'http://127.0.0.1:5935', provider: 'http://127.0.0.1:6935' };
const secret = 'a secret that both know';
/** What would run if any field were read as HTML; a title has 40 characters at most. */
const hostile = `<img src=x onerror="document.title='x'">`;

let office: Doorward;
let server: Doorward;
test.beforeAll(async () => {
  const { upstream } = upstreamDoorward;
  const changes = {
    [upstreamDoorward.provider]: provider,
    [upstream.provider]: there.provider,
    [upstream.app]: there.app,
    '127.0.0.1:6947': '127.0.0.1:6935',
    '127.0.0.1:5947': '127.0.0.1:5935',
  };
  office = await Doorward.start({ origins: there, config: upstream.config, changes, roles: ['provider'] });
  const env = {
    DOORWARD_PROVIDER__ISSUER: provider,
    DOORWARD_PROVIDER__LISTEN: 'localhost:6934',
    DOORWARD_APP__URL: origins.app,
    DOORWARD_APP__LISTEN: 'localhost:5934',
    DOORWARD_ADMIN__ALLOW_PRIVATE_ADDRESSES: 'true',
  };
  server = await Doorward.start({ origins, config: admin.config, env, roles: ['provider'] });
});
test.afterAll(async () => {
  await server?.stop();
  await office?.stop();
});
test.describe.configure({ mode: 'serial' });

/** Presses Tab until the element has the focus. */
async function tabTo(element: Locator): Promise<void> {
  const { keyboard } = element.page();
  const hasFocus = () => element.evaluate((own) => own === document.activeElement);
  for (let presses = 0; presses < 60 && !(await hasFocus()); presses += 1) await keyboard.press('Tab');
  await expect(element).toBeFocused();
}

/** What is written in any field of the page, or said by it. */
async function everything(page: Page): Promise<string> {
  const values = await page
    .locator('input, textarea')
    .evaluateAll((all) => all.map((field) => (field as HTMLInputElement).value));
  return [await page.content(), ...values].join('\n');
}

/** The login page as somebody sees it who comes for the first time. */
async function loginPage(browser: Browser): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${provider}/account/login?return_url=%2Faccount`);
  await new LoginPage(page).expectOpen(provider);
  return page;
}

const wayIn = (page: Page, title: string) => page.getByRole('button', { name: `Sign in with ${title}` });

const fact = (pages: AdminPages, name: string) =>
  pages.object.locator('.fact').filter({ has: pages.page.getByText(name, { exact: true }) });

test('an owner adds a provider by the keyboard alone, checks it, and users sign in by it', async ({
  browser,
}) => {
  const pages = await AdminPages.of(browser, provider, 'olga', '/identity-providers');
  const { page } = pages;
  const { keyboard } = page;
  const sent: unknown[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().includes('/api/admin/'))
      sent.push(request.postDataJSON());
  });

  await test.step('the form', async () => {
    await tabTo(page.getByRole('link', { name: 'Add a provider' }));
    await keyboard.press('Enter');
    await expect(pages.heading).toBeFocused();
    await tabTo(page.getByLabel('Name in addresses'));
    await keyboard.type('office');
    // What the other side needs to know follows from the name.
    const callback = `${provider}/account/external/office/callback`;
    await expect(page.getByText(callback, { exact: true })).toBeVisible();
    await expect(page.getByText(/office\/backchannel-logout$/)).toBeVisible();
    await tabTo(page.getByLabel('Kind of provider'));
    await keyboard.type('Another D');
    await expect(page.getByLabel('Kind of provider')).toHaveValue('doorward');
    await tabTo(page.getByLabel('Name, as users see it'));
    await keyboard.type('The office');
    await tabTo(page.getByLabel('Issuer', { exact: true }));
    await keyboard.type(there.provider);
    await tabTo(page.getByLabel('Identifier there (client_id)'));
    await keyboard.type('doorward');
    await tabTo(page.getByLabel('Secret', { exact: true }));
    await keyboard.type(secret);
    await tabTo(page.getByLabel('First sign-in of somebody unknown'));
    await keyboard.press('Home');
    await expect(page.getByLabel('First sign-in of somebody unknown')).toHaveValue('create');
    await expectAccessible(page, 'the form of a new provider');
    await tabTo(pages.button('Add a provider'));
    await keyboard.press('Enter');
    await expect(pages.notice).toContainText('The provider was added');
    expect(sent).toEqual([
      {
        name: 'office',
        settings: {
          preset: 'doorward',
          title: 'The office',
          issuer: there.provider,
          client_id: 'doorward',
          first_sign_in: 'create',
        },
        client_secret: secret,
      },
    ]);
  });

  await test.step('its page has all but the secret', async () => {
    await expect(pages.heading).toHaveText('office');
    await expect(page).toHaveURL(`${provider}/admin/identity-providers/office`);
    await expect(fact(pages, 'Issuer')).toContainText(there.provider);
    await expect(fact(pages, 'First sign-in of somebody unknown')).toContainText('An account is made');
    await expect(fact(pages, 'Authenticates by')).toContainText('Secret');
    expect(await everything(page)).not.toContain(secret);
  });

  await test.step('the check looks at each step', async () => {
    await pages.button('Check now').click();
    const steps = page.locator('#steps > li');
    await expect(steps).toHaveCount(3);
    for (const step of await steps.all()) await expect(step).toContainText('In order');
    await expect(steps.first()).toContainText(there.provider);
  });

  await test.step('what was done is beside it', async () => {
    await pages.reopen('/identity-providers/office');
    await expect(page.locator('.event').filter({ hasText: 'identity_provider_added' })).toHaveCount(1);
    for (const event of await page.locator('.event').all()) await event.locator('summary').click();
    expect(await everything(page)).not.toContain(secret);
  });

  await test.step('somebody signs in by it', async () => {
    const user = await loginPage(browser);
    await wayIn(user, 'The office').click();
    await new LoginPage(user).expectOpen(there.provider);
    await new LoginPage(user).submit('erin', 'erin');
    await setUpApp(user);
    await expect(user).toHaveURL(`${provider}/account`);
    await expect(user.getByText('You are signed in as erin.')).toBeVisible();
    await user.context().close();
  });
  await pages.close();
});

test('what the server does not accept is told at its field', async ({ browser, expectConsoleError }) => {
  expectConsoleError(/status of (409|422)/);
  const pages = await AdminPages.of(browser, provider, 'olga', '/new-identity-provider');
  const { page } = pages;

  await test.step('what the page sees by itself', async () => {
    await page.getByLabel('Name in addresses').fill('The Office');
    await page.getByLabel('Kind of provider').selectOption({ label: 'Keycloak' });
    await pages.button('Add a provider').click();
    await expect(page.locator('#provider-name-error')).toContainText('a to z');
    for (const id of ['setting-issuer', 'setting-client_id', 'credential-secret']) {
      await expect(page.locator(`#${id}-error`)).toHaveText('Fill this in.');
    }
    await expect(page.getByLabel('Name in addresses')).toBeFocused();
  });

  await test.step('what only the server knows', async () => {
    await page.getByLabel('Name in addresses').fill('second');
    await page.getByLabel('Issuer', { exact: true }).fill('http://sso.example.com/realms/staff');
    await page.getByLabel('Identifier there (client_id)').fill('doorward');
    await page.getByLabel('Secret', { exact: true }).fill(secret);
    await pages.button('Add a provider').click();
    await expect(page.getByLabel('Issuer', { exact: true })).toHaveAccessibleDescription(/https/);
    await expect(page.getByLabel('Issuer', { exact: true })).toBeFocused();
    // One that is there already would vouch for the same users.
    await page.getByLabel('Issuer', { exact: true }).fill(there.provider);
    await pages.button('Add a provider').click();
    await expect(page.getByLabel('Issuer', { exact: true })).toHaveAccessibleDescription(
      /another identity provider has this issuer/,
    );
  });

  await test.step('rules that are no JSON', async () => {
    await page.locator('details.fold > summary').filter({ hasText: 'Claims' }).click();
    await page.getByLabel('Claims, roles and groups by rules').fill('[{');
    await pages.button('Add a provider').click();
    await expect(page.getByLabel('Claims, roles and groups by rules')).toBeFocused();
  });

  await test.step('each kind has the fields that it takes', async () => {
    await page.getByLabel('Kind of provider').selectOption({ label: 'Microsoft Entra ID' });
    await expect(page.getByLabel('Issuer', { exact: true })).toBeHidden();
    await expect(page.getByRole('group', { name: 'Directories (tenants)' })).toBeVisible();
    await page.getByLabel('Kind of provider').selectOption({ label: 'Apple' });
    await expect(page.getByLabel('Team ID at Apple')).toBeVisible();
    await expect(page.getByLabel('Private key')).toBeVisible();
    await expect(page.getByLabel('Secret', { exact: true })).toHaveCount(0);
  });
  await pages.close();
});

test('of two who change the same provider, nobody loses anything', async ({
  browser,
  expectConsoleError,
}) => {
  expectConsoleError(/status of 412/);
  const first = await AdminPages.of(browser, provider, 'olga', '/identity-providers/office');
  const second = await AdminPages.of(browser, provider, 'olga', '/identity-providers/office');
  await first.button('Edit').click();
  await second.button('Edit').click();
  await second.page.getByLabel('Name, as users see it').fill(hostile);
  await second.button('Save').click();
  await expect(second.notice).toContainText('Saved');

  await test.step('hostile text stays text', async () => {
    await expect(fact(second, 'Name, as users see it')).toContainText(hostile);
    await second.go('Identity providers');
    await expect(second.page.getByRole('row').filter({ hasText: hostile })).toHaveCount(1);
    await expect(second.page.locator('main img')).toHaveCount(0);
    expect(await second.page.title()).not.toBe('x');
  });

  await first.page.getByRole('button', { name: 'Add: Trusted e-mail domains' }).click();
  await first.page.keyboard.type('office.example');
  await first.button('Save').click();
  const overtaken = first.page.locator('#overtaken');
  await expect(overtaken).toContainText('Somebody has changed Name, as users see it meanwhile');
  await expect(overtaken).toContainText('The office → <img');
  await first.button('Apply mine on top').click();
  await first.button('Save').click();
  await expect(first.notice).toContainText('Saved');
  await expect(fact(first, 'Trusted e-mail domains')).toContainText('office.example');
  await expect(fact(first, 'Name, as users see it')).toContainText(hostile);

  await test.step('a question about another state closes', async () => {
    await second.reopen('/identity-providers/office');
    await second.button('Disable').click();
    await first.button('Edit').click();
    await first.page.getByLabel('Name, as users see it').fill('The office');
    await first.button('Save').click();
    await expect(first.notice).toContainText('Saved');
    await second.dialog.getByRole('button', { name: 'Disable' }).click();
    await expect(second.notice).toContainText('Somebody has changed title meanwhile');
    await expect(second.dialog).toHaveCount(0);
  });
  await Promise.all([first.close(), second.close()]);
});

test('a provider is disabled, enabled, gets another secret, and is removed', async ({ browser }) => {
  const pages = await AdminPages.of(browser, provider, 'olga', '/identity-providers/office');
  const { page } = pages;
  const offered = async (count: number) => {
    const login = await loginPage(browser);
    await expect(wayIn(login, 'Google')).toBeVisible();
    await expect(wayIn(login, 'The office')).toHaveCount(count);
    await login.context().close();
  };
  await offered(1);

  await test.step('disabled, its button is gone', async () => {
    await pages.button('Disable').click();
    await expect(pages.dialog).toContainText('Sessions go on');
    await expectAccessible(page, 'the question');
    await pages.dialog.getByRole('button', { name: 'Disable' }).click();
    await expect(pages.notice).toContainText('The provider was disabled');
    await offered(0);
    await pages.go('Identity providers');
    await expect(page.getByRole('row').filter({ hasText: 'The office' })).toContainText('Disabled');
    await page.getByRole('link', { name: 'office', exact: true }).click();
    await pages.button('Enable').click();
    await pages.dialog.getByRole('button', { name: 'Enable' }).click();
    await expect(pages.notice).toContainText('The provider was enabled');
    await offered(1);
  });

  await test.step('another secret', async () => {
    await pages.button('Replace the secret').click();
    await pages.dialog.getByLabel('Secret', { exact: true }).fill('another secret of theirs');
    await pages.dialog.getByRole('button', { name: 'Replace the secret' }).click();
    await expect(pages.notice).toContainText('The secret was replaced');
    await expect(pages.dialog).toHaveCount(0);
    expect(await everything(page)).not.toContain('another secret of theirs');
  });

  await test.step('removed after a question', async () => {
    await pages.button('Remove').click();
    await expect(pages.dialog).toContainText('Links of users stay');
    await page.keyboard.press('Escape');
    await expect(pages.dialog).toHaveCount(0);
    await pages.button('Remove').click();
    await pages.dialog.getByRole('button', { name: 'Remove' }).click();
    await expect(pages.notice).toContainText('The provider was removed');
    await expect(page.getByRole('link', { name: 'google', exact: true })).toBeVisible();
    await expect(page.getByRole('link', { name: 'office', exact: true })).toHaveCount(0);
    await offered(0);
  });
  await pages.close();
});

test('who may only look looks, and who may not is offered nothing', async ({ browser }) => {
  for (const name of ['udo', 'adam']) {
    const pages = await AdminPages.of(browser, provider, name, '/identity-providers');
    await expect(pages.page.getByRole('link', { name: 'Add a provider' })).toHaveCount(0);
    await pages.page.getByRole('link', { name: 'google', exact: true }).click();
    await expect(pages.page.getByText('defined in the configuration')).toBeVisible();
    await expect(fact(pages, 'Issuer')).toContainText('https://accounts.google.com');
    await expect(pages.button('Check now')).toBeVisible();
    for (const action of ['Edit', 'Disable', 'Replace the secret', 'Remove']) {
      await expect(pages.button(action)).toHaveCount(0);
    }
    await pages.close();
  }
  const owner = await AdminPages.of(browser, provider, 'olga', '/identity-providers/google');
  await expect(owner.page.getByText('defined in the configuration')).toBeVisible();
  await expect(owner.button('Edit')).toHaveCount(0);
  expect(await everything(owner.page)).not.toContain(secret);
  await owner.close();
  const helpdesk = await AdminPages.of(browser, provider, 'helen', '/users');
  await expect(helpdesk.navigation.getByRole('link', { name: 'Identity providers' })).toHaveCount(0);
  await helpdesk.reopen('/identity-providers');
  await expect(helpdesk.heading).toHaveText('Not for your role');
  await helpdesk.close();
});

test('in German, also what the server refuses', async ({ browser, expectConsoleError }) => {
  expectConsoleError(/status of 422/);
  const pages = await AdminPages.of(browser, provider, 'olga', '/new-identity-provider', {
    locale: 'de-DE',
    viewport: { width: 360, height: 740 },
  });
  const { page } = pages;
  await expect(pages.heading).toHaveText('Anbieter anlegen');
  await page.getByLabel('Name in Adressen').fill('google');
  await page.getByLabel('Art des Anbieters').selectOption({ label: 'GitLab' });
  await page.getByLabel('Geheimnis', { exact: true }).fill(secret);
  await pages.button('Anbieter anlegen').click();
  await expect(page.getByLabel('Kennung dort (client_id)')).toHaveAccessibleDescription(/Füllen Sie/);
  await page.getByLabel('Kennung dort (client_id)').fill('doorward');
  await pages.button('Anbieter anlegen').click();
  await expect(page.getByLabel('Name in Adressen')).toHaveAccessibleDescription(/zweimal festgelegt/);
  await expectAccessible(page, 'the form in German on a phone');
  await pages.close();
});
