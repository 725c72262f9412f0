// The pages for administrators: what each role sees and does, and what must not happen.
import type { Browser, Page } from '@playwright/test';
import { AdminPages, setUpApp } from '../support/admin.ts';
import { authorizeUrl } from '../support/authorize.ts';
import { Doorward } from '../support/doorward.ts';
import { admin } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';

const { provider } = admin;
/** What would run if any field were read as HTML. */
const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

let server: Doorward;
test.beforeAll(async () => {
  server = await Doorward.start({ origins: admin, config: admin.config });
});
test.afterAll(() => server?.stop());

/** Adds a claim to the form that is open, as the row of this number. */
async function addClaim(page: Page, row: number, name: string, kind: string, value: string): Promise<void> {
  await page.getByRole('button', { name: 'Add a claim' }).click();
  await page.getByLabel(`Name of claim ${row}`).fill(name);
  await page.getByLabel(`Type of claim ${row}`).selectOption(kind);
  await page.getByLabel(`Value of claim ${row}`).fill(value);
}

const all = [
  'Overview',
  'Users',
  'Invitations',
  'Groups',
  'Directories',
  'Clients',
  'Identity providers',
  'Resources and scopes',
  'Keys',
  'Outbox',
  'Audit history',
  'Configuration',
];

test('each role sees what it may see, and nothing else is offered', async ({ browser }) => {
  const sees = async (name: string, pages: string[]) => {
    const own = await AdminPages.of(browser, provider, name, '/users');
    await expect(own.navigation.getByRole('link')).toHaveText(pages);
    return own;
  };
  const owner = await sees('olga', all);
  const administrator = await sees('adam', all);
  const auditor = await sees(
    'udo',
    all.filter((page) => page !== 'Directories'),
  );
  const helpdesk = await sees('helen', ['Overview', 'Users', 'Invitations', 'Groups']);

  await test.step('keys are rotated by owners only', async () => {
    for (const [pages, count] of [
      [owner, 1],
      [administrator, 0],
      [auditor, 0],
    ] as const) {
      await pages.go('Keys');
      await expect(pages.page.getByText('Signs', { exact: true }).first()).toBeVisible();
      await expect(pages.button('Rotate')).toHaveCount(count);
    }
  });

  await test.step('users are added by owners and administrators', async () => {
    for (const [pages, count] of [
      [owner, 1],
      [administrator, 1],
      [auditor, 0],
      [helpdesk, 0],
    ] as const) {
      await pages.go('Users');
      await expect(pages.page.getByRole('link', { name: 'Add a user' })).toHaveCount(count);
    }
  });

  await test.step('nobody acts on somebody who may do more', async () => {
    await helpdesk.reopen('/users');
    await helpdesk.page.getByRole('link', { name: 'bob' }).click();
    await expect(helpdesk.button('Send a password link')).toBeVisible();
    await expect(helpdesk.button('Edit')).toHaveCount(0);
    await helpdesk.go('Users');
    await helpdesk.page.getByRole('link', { name: 'olga' }).click();
    await expect(helpdesk.object.getByText('olga@example.com')).toBeVisible();
    await expect(helpdesk.button('Send a password link')).toHaveCount(0);
    await administrator.reopen('/users');
    await administrator.page.getByRole('link', { name: 'olga' }).click();
    await expect(administrator.object.getByText('olga@example.com')).toBeVisible();
    await expect(administrator.button('Remove')).toHaveCount(0);
  });

  await test.step('a page that the role does not have says so', async () => {
    await helpdesk.reopen('/clients');
    await expect(helpdesk.heading).toHaveText('Not for your role');
  });
  await Promise.all([owner, administrator, auditor, helpdesk].map((pages) => pages.close()));
});

test('a user is added, found and removed, and hostile text stays text', async ({ browser }) => {
  const pages = await AdminPages.of(browser, provider, 'olga', '/users');
  const { page } = pages;
  await page.getByRole('link', { name: 'Add a user' }).click();

  await test.step('mistakes are told beside their fields, by the rules of the server', async () => {
    await page.getByLabel('E-mail address').fill('nobody');
    await pages.button('Add a user').click();
    await expect(page.locator('#new-username-error')).toContainText('1 to 255 bytes');
    await expect(page.locator('#new-email-error')).toContainText('not an e-mail address');
    await expect(page.getByLabel('User name')).toHaveAttribute('aria-invalid', 'true');
    await page.getByLabel('User name').fill(hostile);
    await page.getByLabel('E-mail address').fill('mallory@example.com');
    await page.getByLabel('Password').fill('x');
    await pages.button('Add a user').click();
    await expect(page.locator('#new-password-error')).toBeVisible();
    await page.getByLabel('Password').fill('a long sentence nobody guesses 71');
  });

  await page.getByLabel('Full name').fill(hostile);
  await pages.button('Add a user').click();
  await expect(pages.notice).toContainText('The user was added');
  await expect(pages.heading).toHaveText(hostile);
  await expect(pages.object.locator('.fact').filter({ hasText: 'mallory@example.com' })).toHaveCount(1);

  await test.step('claims with anything in them are shown as text', async () => {
    await pages.button('Edit').click();
    await addClaim(page, 1, hostile, 'List', hostile);
    await addClaim(page, 2, 'plan', 'Number', '7');
    await pages.button('Save').click();
    await expect(pages.notice).toContainText('Saved');
    await expect(pages.object.locator('dt').filter({ hasText: '<img' })).toHaveText(hostile);
  });

  await test.step('so is the history beside', async () => {
    await page.reload();
    await pages.ready();
    const record = page.locator('.event').filter({ hasText: 'user_changed' }).first();
    await record.locator('summary').click();
    await expect(record).toContainText('onerror');
    await expect(page.locator('main img, main script')).toHaveCount(0);
    expect(await page.title()).not.toContain('owned');
  });

  await test.step('the list finds it by the beginning of its name', async () => {
    await pages.go('Users');
    await page.getByLabel('Beginning of the user name').fill('<IMG');
    await expect(page.locator('.rows tbody tr')).toHaveCount(1);
    await page.locator('.rows tbody tr a').click();
    await expect(pages.heading).toHaveText(hostile);
  });

  await test.step('it is removed after a question', async () => {
    await pages.button('Remove').click();
    await expect(pages.dialog).toContainText("can't be undone");
    await page.keyboard.press('Escape');
    await expect(pages.dialog).toHaveCount(0);
    await pages.button('Remove').click();
    await pages.dialog.getByRole('button', { name: 'Remove' }).click();
    await expect(pages.notice).toContainText('The user was removed');
    await expect(pages.heading).toHaveText('Users');
    await expect(page.getByRole('link', { name: hostile })).toHaveCount(0);
  });
  await pages.close();
});

test('hostile text in any other field stays text, too', async ({ browser, request }) => {
  const pages = await AdminPages.of(browser, provider, 'olga', '/groups');
  const { page } = pages;
  // Without a space, for names that have none.
  const word = "<script>document.title='owned'</script>";
  const staysText = async () => {
    await expect(page.locator('main img, main script')).toHaveCount(0);
    expect(await page.title()).not.toContain('owned');
  };

  await test.step('of groups', async () => {
    await pages.button('Add a group').click();
    await pages.dialog.getByLabel('Name', { exact: true }).fill('hostile');
    await pages.dialog.getByLabel('Shown as').fill(hostile);
    await pages.dialog.getByLabel('Description').fill(hostile);
    await pages.dialog.getByLabel('Roles in applications').fill(word);
    await pages.button('Add a claim').click();
    await pages.dialog.getByLabel('Name of claim 1').fill(hostile);
    await pages.dialog.getByLabel('Value of claim 1').fill(hostile);
    await pages.dialog.getByRole('button', { name: 'Add a group' }).click();
    await expect(pages.heading).toHaveText('hostile');
    await expect(pages.object.getByText(hostile, { exact: true }).first()).toBeVisible();
    await expect(pages.object.getByText(word, { exact: true }).first()).toBeVisible();
    await staysText();
    await pages.go('Groups');
    await expect(page.locator('.rows tbody tr').filter({ hasText: hostile })).toContainText(word);
    await staysText();
  });

  await test.step('of clients', async () => {
    await pages.go('Clients');
    await pages.button('Add a client').click();
    await page.getByLabel('Identifier (client_id)').fill('hostile');
    await page.getByLabel('Name, as users see it').fill(hostile);
    await page.getByLabel('Redirect URIs 1', { exact: true }).fill('https://shop.example/callback');
    await pages.dialog.getByRole('button', { name: 'Add a client' }).click();
    await pages.button('I have it, go on').click();
    await expect(pages.object.getByText('onerror').first()).toBeVisible();
    await staysText();
    await pages.go('Clients');
    await expect(page.locator('.rows tbody tr').filter({ hasText: hostile })).toHaveCount(1);
    await staysText();
  });

  await test.step('of invitations', async () => {
    await pages.go('Invitations');
    await pages.button('Invite somebody').click();
    await pages.dialog.getByLabel('E-mail address').fill('hostile@example.com');
    await pages.dialog.getByLabel('Full name').fill(hostile);
    await pages.dialog.getByLabel('Roles in applications').fill(hostile);
    await pages.dialog.getByLabel('Send no mail').check();
    await pages.dialog.getByRole('button', { name: 'Invite somebody' }).click();
    await pages.button('Close').click();
    await expect(page.locator('.rows tbody tr').filter({ hasText: 'onerror' })).toHaveCount(1);
    await staysText();
  });

  await test.step('of the history, where strangers write', async () => {
    const form = { grant_type: 'client_credentials', client_id: hostile, client_secret: hostile };
    const refused = await request.post(`${provider}/connect/token`, {
      form,
      headers: { 'user-agent': hostile },
    });
    expect(refused.ok()).toBe(false);
    await pages.go('Audit history');
    const records = page.locator('.event').filter({ hasText: 'onerror' });
    await expect(async () => {
      await pages.button('Search').click();
      await expect(records.first()).toBeVisible({ timeout: 1_000 });
    }).toPass();
    for (const record of await records.all()) await record.locator('summary').click();
    await staysText();
  });
  await pages.close();
});

test('of two who change the same user, nobody loses anything', async ({ browser, expectConsoleError }) => {
  expectConsoleError(/status of 412/);
  const first = await AdminPages.of(browser, provider, 'olga', '/users/bob');
  const second = await AdminPages.of(browser, provider, 'adam', '/users/bob');
  await expect(first.heading).toHaveText('bob');
  await first.button('Edit').click();
  await second.button('Edit').click();
  await second.page.getByLabel('Full name').fill('Robert Baker');
  await second.button('Save').click();
  await expect(second.notice).toContainText('Saved');

  await first.page.getByLabel('E-mail address').fill('robert@example.com');
  await first.button('Save').click();
  const overtaken = first.page.locator('#overtaken');
  await expect(overtaken).toContainText('Somebody has changed name meanwhile');
  await expect(overtaken).toContainText('Bob Baker → Robert Baker');
  await expect(first.page.getByLabel('E-mail address')).toHaveValue('robert@example.com');
  await first.button('Apply mine on top').click();
  await first.button('Save').click();
  await expect(first.notice).toContainText('Saved');
  await expect(first.object.getByText('robert@example.com')).toBeVisible();
  await expect(first.object.getByText('Robert Baker')).toBeVisible();
  await Promise.all([first.close(), second.close()]);
});

test('the helpdesk ends a session of a user', async ({ browser }) => {
  const user = await browser.newContext();
  const elsewhere = await user.newPage();
  await elsewhere.goto(`${provider}/account/login?return_url=%2Faccount%2Fpasskeys`);
  await new LoginPage(elsewhere).submit('carol', 'carol');
  await setUpApp(elsewhere);
  await expect(elsewhere.getByRole('heading', { name: 'Passkeys' })).toBeVisible();

  const pages = await AdminPages.of(browser, provider, 'helen', '/users/carol');
  await pages.page.getByRole('button', { name: /^End: / }).click();
  await pages.dialog.getByRole('button', { name: 'End' }).click();
  await expect(pages.notice).toContainText('Ended');
  await expect(pages.page.getByText('The user is signed in nowhere.')).toBeVisible();
  await elsewhere.reload();
  await expect(elsewhere.locator('input[name=password]')).toBeVisible();
  await Promise.all([pages.close(), user.close()]);
});

test("a client's secret is shown once", async ({ browser }) => {
  const pages = await AdminPages.of(browser, provider, 'adam', '/clients');
  const { page } = pages;
  await pages.button('Add a client').click();
  await page.getByLabel('Identifier (client_id)').fill('shop');
  await page.getByLabel('Redirect URIs 1', { exact: true }).fill('https://shop.example/callback');
  await pages.dialog.getByRole('button', { name: 'Add a client' }).click();
  const secret = await page.locator('#once').innerText();
  expect(secret.length).toBeGreaterThan(40);
  await pages.button('I have it, go on').click();
  await expect(pages.heading).toHaveText('shop');
  await expect(pages.object.getByText('https://shop.example/callback')).toBeVisible();
  expect(await page.content()).not.toContain(secret);

  await test.step('another one is made, and the first one removed', async () => {
    await pages.button('Add a secret').click();
    await page.getByLabel('Description').fill('for the autumn');
    await pages.dialog.getByRole('button', { name: 'Add a secret' }).click();
    await expect(page.locator('#once')).toBeVisible();
    await pages.button('Close').click();
    await expect(page.getByText('for the autumn')).toBeVisible();
    await pages
      .button(/^Remove: /)
      .first()
      .click();
    await pages.dialog.getByRole('button', { name: 'Remove' }).click();
    await expect(pages.button(/^Remove: /)).toHaveCount(1);
  });
  await pages.close();
});

test.describe('the settings of a client', () => {
  /** A client of its own, which its test opens for a change. */
  async function edit(browser: Browser, id: string): Promise<AdminPages> {
    const pages = await AdminPages.of(browser, provider, 'adam', '/clients');
    const { page } = pages;
    await pages.button('Add a client').click();
    await page.getByLabel('Kind').selectOption({ label: "Page or app, which can't keep a secret" });
    await page.getByLabel('Identifier (client_id)').fill(id);
    await page.getByLabel('Redirect URIs 1', { exact: true }).fill('https://app.example/callback');
    await pages.dialog.getByRole('button', { name: 'Add a client' }).click();
    await expect(pages.heading).toHaveText(id);
    await pages.button('Edit').click();
    return pages;
  }
  const section = (page: Page, name: string) =>
    page.locator('details.fold > summary').filter({ hasText: name });
  const fact = (pages: AdminPages, name: string) =>
    pages.object.locator('.fact').filter({ has: pages.page.getByText(name, { exact: true }) });

  test('are changed by a form', async ({ browser }) => {
    const pages = await edit(browser, 'by-form');
    const { page } = pages;
    const sent: unknown[] = [];
    page.on('request', (request) => {
      if (request.method() === 'PATCH') sent.push(request.postDataJSON());
    });
    await page.getByLabel('Name, as users see it').fill('The form');
    await page.getByRole('button', { name: 'Add: Redirect URIs', exact: true }).click();
    await expect(page.getByLabel('Redirect URIs 2', { exact: true })).toBeFocused();
    await page.keyboard.type('https://app.example/other');
    await page.getByLabel('Sign-in on another device').check();
    await page.locator('#setting-allowed_scopes-email').check();
    await section(page, 'Lifetimes').click();
    await expect(page.getByLabel('Access tokens', { exact: true })).toHaveValue('1');
    await expect(page.getByLabel('Unit: Access tokens')).toHaveValue('h');
    await page.getByLabel('Access tokens', { exact: true }).fill('10');
    await page.getByLabel('Unit: Access tokens').selectOption('minutes');
    await section(page, 'Tokens and claims').click();
    await addClaim(page, 1, 'tenant', 'Number', '7');
    await pages.button('Save').click();
    await expect(pages.notice).toContainText('Saved');
    expect(sent).toEqual([
      {
        settings: {
          client_name: 'The form',
          redirect_uris: ['https://app.example/callback', 'https://app.example/other'],
          allowed_grant_types: ['authorization_code', 'device_code'],
          allowed_scopes: ['openid', 'profile', 'email'],
          access_token_lifetime: 600,
          claims: { tenant: 7 },
        },
      },
    ]);
    await expect(fact(pages, 'Redirect URIs')).toContainText('https://app.example/other');
    await section(page, 'Lifetimes').click();
    await expect(fact(pages, 'Access tokens')).toContainText('10 minutes');

    await pages.button('Edit').click();
    await page.getByRole('button', { name: 'Remove: Redirect URIs 1' }).click();
    await expect(page.getByLabel('Redirect URIs 1', { exact: true })).toHaveValue(
      'https://app.example/other',
    );
    await page.getByLabel('Name, as users see it').fill('');
    await pages.button('Save').click();
    await expect(pages.notice).toContainText('Saved');
    expect(sent[1]).toEqual({
      settings: { client_name: null, redirect_uris: ['https://app.example/other'] },
    });
    await pages.close();
  });

  test('are refused at the field that is wrong, which gets the focus', async ({
    browser,
    expectConsoleError,
  }) => {
    expectConsoleError(/status of 422/);
    const pages = await edit(browser, 'refused');
    const { page } = pages;

    await test.step('a value in a list', async () => {
      await page.getByRole('button', { name: 'Add: Redirect URIs', exact: true }).click();
      await page.keyboard.type('http://app.example/');
      await pages.button('Save').click();
      const row = page.getByLabel('Redirect URIs 2', { exact: true });
      await expect(row).toHaveAttribute('aria-invalid', 'true');
      await expect(row).toHaveAccessibleDescription(/http is accepted for localhost only/);
      await expect(row).toBeFocused();
      await expect(page.getByLabel('Redirect URIs 1', { exact: true })).not.toHaveAttribute('aria-invalid');
      await page.getByRole('button', { name: 'Remove: Redirect URIs 2' }).click();
    });

    await test.step('in a section that is closed, which opens', async () => {
      await section(page, 'Sign-out').click();
      await page.getByLabel('Address for logout tokens').fill('http://app.example/');
      await section(page, 'Sign-out').click();
      await expect(page.getByLabel('Address for logout tokens')).toBeHidden();
      await pages.button('Save').click();
      await expect(page.getByLabel('Address for logout tokens')).toBeFocused();
      await expect(page.getByLabel('Address for logout tokens')).toHaveAccessibleDescription(/https/);
      await page.getByLabel('Address for logout tokens').fill('');
    });

    await test.step('what the page sees by itself', async () => {
      await section(page, 'Lifetimes').click();
      await page.getByLabel('Access tokens', { exact: true }).fill('soon');
      await section(page, 'Tokens and claims').click();
      await addClaim(page, 1, '', 'Text', 'x');
      await pages.button('Save').click();
      await expect(page.getByText('Give a number.')).toBeVisible();
      await expect(page.getByText('Give the claim a name.')).toBeVisible();
      await expect(page.getByLabel('Access tokens', { exact: true })).toBeFocused();
    });
    await pages.button('Cancel').click();
    await expect(fact(pages, 'Redirect URIs')).toHaveText(/callback$/);
    await pages.close();
  });

  test('keep what somebody else has changed meanwhile', async ({ browser, expectConsoleError }) => {
    expectConsoleError(/status of 412/);
    const first = await edit(browser, 'overtaken');
    const second = await AdminPages.of(browser, provider, 'olga', '/clients/overtaken');
    await second.button('Edit').click();
    await second.page.getByLabel('Name, as users see it').fill('Of Olga');
    await second.button('Save').click();
    await expect(second.notice).toContainText('Saved');
    await first.page.getByLabel('Description, as users see it').fill('Of Adam');
    await first.button('Save').click();
    const overtaken = first.page.locator('#overtaken');
    await expect(overtaken).toContainText('Somebody has changed Name, as users see it meanwhile');
    await expect(overtaken).toContainText('Of Olga');
    await first.button('Apply mine on top').click();
    await first.button('Save').click();
    await expect(first.notice).toContainText('Saved');
    await expect(fact(first, 'Name, as users see it')).toContainText('Of Olga');
    await expect(fact(first, 'Description, as users see it')).toContainText('Of Adam');
    await Promise.all([first.close(), second.close()]);
  });
});

test('what the configuration defines is shown with the reason, and not changed', async ({ browser }) => {
  const pages = await AdminPages.of(browser, provider, 'olga', '/clients/PkceJS');
  await expect(pages.page.getByText('defined in the configuration')).toBeVisible();
  await expect(pages.button('Edit')).toHaveCount(0);
  await expect(pages.button('Add a secret')).toHaveCount(0);
  await pages.go('Resources and scopes');
  await expect(pages.page.getByText('Resources are defined in the configuration')).toBeVisible();
  await pages.go('Configuration');
  await expect(pages.page.locator('pre')).toContainText('[provider]');
  await pages.close();
});

test('groups, invitations, keys and the history are worked with', async ({ browser }) => {
  const pages = await AdminPages.of(browser, provider, 'olga', '/groups');
  const { page } = pages;

  await test.step('a group gets a member', async () => {
    await pages.button('Add a group').click();
    await pages.dialog.getByLabel('Name', { exact: true }).fill('sales');
    await pages.dialog.getByLabel('Roles in applications').fill('seller\nviewer');
    await pages.dialog.getByRole('button', { name: 'Add a group' }).click();
    await expect(pages.heading).toHaveText('sales');
    await expect(pages.object.getByText('seller, viewer')).toBeVisible();
    await page.getByLabel('Add a member').fill('dav');
    await pages.button('Add: dave').click();
    await expect(pages.notice).toContainText('The member was added');
    await expect(pages.button('Remove: dave')).toBeVisible();
    await pages.findsByBeginning('Beginning of the user name', 'DAV', 'Remove: dave');
    await pages.button('Edit').click();
    await page.getByLabel('Description').fill('Who sells');
    await addClaim(page, 1, 'region', 'Text', 'North');
    await pages.button('Save').click();
    await expect(pages.object.getByText('Who sells')).toBeVisible();
    await expect(pages.object.locator('.fact').filter({ hasText: 'region' })).toContainText('North');
  });

  await test.step('somebody is invited by a link that is shown once', async () => {
    await pages.go('Invitations');
    await pages.button('Invite somebody').click();
    await pages.dialog.getByLabel('E-mail address').fill('new@example.com');
    await pages.dialog.getByLabel('Send no mail').check();
    await pages.dialog.getByRole('button', { name: 'Invite somebody' }).click();
    await expect(page.locator('#once')).toContainText(provider);
    await pages.button('Close').click();
    await pages.findsByBeginning('Beginning of the address', 'NEW@', 'Withdraw: new@example.com');
    await pages.button('Withdraw: new@example.com').click();
    await pages.dialog.getByRole('button', { name: 'Withdraw' }).click();
    await expect(pages.notice).toContainText('The invitation was withdrawn');
    await expect(pages.button('Withdraw: new@example.com')).toHaveCount(0);
  });

  await test.step('keys are rotated, and rotated again', async () => {
    await pages.go('Keys');
    // Each rotation makes a key of both algorithms.
    for (const announced of [2, 4]) {
      await pages.button('Rotate').click();
      await pages.dialog.getByRole('button', { name: 'Rotate' }).click();
      await expect(page.getByText('Announced', { exact: true })).toHaveCount(announced);
    }
    await page.reload();
    await pages.ready();
    // Each key has a record.
    await expect(page.locator('.event').filter({ hasText: 'keys_rotated' })).toHaveCount(4);
  });

  await test.step('the history has all of it, and is exported', async () => {
    await pages.go('Audit history');
    await page.getByLabel('Event').fill('keys_rotated');
    await pages.button('Search').click();
    await expect(page).toHaveURL(/events\?event=keys_rotated$/);
    await expect(page.locator('.event')).toHaveCount(4);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      pages.button('Export as JSON lines').click(),
    ]);
    expect(download.suggestedFilename()).toBe('events.jsonl');
    await page.goBack();
    await expect(page.locator('.event').nth(3)).toBeVisible();
  });
  await pages.close();
});

test('what somebody else changed meanwhile closes the question, and the page shows it', async ({
  browser,
  expectConsoleError,
}) => {
  expectConsoleError(/status of 412/);
  const first = await AdminPages.of(browser, provider, 'olga', '/users/dave');
  const second = await AdminPages.of(browser, provider, 'adam', '/users/dave');
  await first.button('Disable').click();
  await second.button('Edit').click();
  await second.page.getByLabel('Full name').fill('David Baker');
  await second.button('Save').click();
  await expect(second.notice).toContainText('Saved');
  await first.dialog.getByRole('button', { name: 'Disable' }).click();
  await expect(first.notice).toContainText('Somebody has changed claims meanwhile');
  await expect(first.dialog).toHaveCount(0);
  await expect(first.object.getByText('David Baker')).toBeVisible();
  await first.button('Disable').click();
  await first.dialog.getByRole('button', { name: 'Disable' }).click();
  await expect(first.notice).toContainText('The user was disabled');
  await first.button('Enable').click();
  await first.dialog.getByRole('button', { name: 'Enable' }).click();
  await expect(first.button('Disable')).toBeVisible();
  await Promise.all([first.close(), second.close()]);
});

test('an answer that is lost creates nothing twice', async ({ browser, expectConsoleError }) => {
  expectConsoleError(/Failed to load resource/);
  const pages = await AdminPages.of(browser, provider, 'olga', '/groups');
  const { page } = pages;
  let isLost = false;
  await page.route('**/api/admin/v1/groups', async (route) => {
    if (isLost || route.request().method() !== 'POST') return route.fallback();
    isLost = true;
    await route.fetch();
    await route.abort();
  });
  await pages.button('Add a group').click();
  await pages.dialog.getByLabel('Name', { exact: true }).fill('lost-answer');
  await pages.dialog.getByRole('button', { name: 'Add a group' }).click();
  await expect(pages.dialog.getByRole('alert')).toBeVisible();
  await pages.dialog.getByRole('button', { name: 'Add a group' }).click();
  await expect(pages.heading).toHaveText('lost-answer');
  await pages.close();
});

test('rights that go while a page is open are gone from the page', async ({
  browser,
  expectConsoleError,
}) => {
  expectConsoleError(/status of 403/);
  const owner = await AdminPages.of(browser, provider, 'olga', '/users/adam');
  const victim = await AdminPages.of(browser, provider, 'adam', '/users/dave');
  await expect(victim.button('Edit')).toBeVisible();
  const role = async (label: string) => {
    await owner.button('Change role').click();
    await owner.dialog.getByLabel('Role in the administration').selectOption({ label });
    await owner.dialog.getByRole('button', { name: 'Save' }).click();
    await expect(owner.notice).toContainText('The role was changed');
  };

  await test.step('a lesser role', async () => {
    await role('Auditor');
    await victim.button('Edit').click();
    await victim.page.getByLabel('Full name').fill('Dave of Adam');
    await victim.button('Save').click();
    await expect(victim.button('Edit')).toHaveCount(0);
    await victim.go('Users');
    await expect(victim.page.getByRole('link', { name: 'Add a user' })).toHaveCount(0);
  });

  await test.step('none', async () => {
    await role('None');
    await victim.navigation.getByRole('link', { name: 'Groups' }).click();
    await expect(victim.heading).toHaveText('No role in the administration');
    await expect(victim.navigation).toHaveCount(0);
    await role('Administrator');
    await victim.button('Try again').click();
    await expect(victim.navigation).toBeVisible();
  });
  await expect(owner.page.getByText('Dave of Adam')).toHaveCount(0);
  await Promise.all([owner.close(), victim.close()]);
});

test('who has no role is told so', async ({ browser, expectConsoleError }) => {
  expectConsoleError(/status of 403/);
  const context = await browser.newContext();
  const page = await context.newPage();
  const pages = new AdminPages(page, provider);
  await pages.open();
  await pages.signIn.click();
  await new LoginPage(page).submit('jblin', 'jblin');
  await setUpApp(page);
  await expect(pages.heading).toHaveText('No role in the administration');
  await context.close();
});

test('the pages speak German, and so does what the server refuses', async ({
  browser,
  expectConsoleError,
}) => {
  const pages = await AdminPages.of(browser, provider, 'udo', '', { locale: 'de-DE' });
  await expect(pages.page.locator('html')).toHaveAttribute('lang', 'de');
  await expect(pages.heading).toHaveText('Übersicht');
  expectConsoleError(/status of 404/);
  await pages.reopen('/users/nobody-at-all');
  await expect(pages.page.getByText('Es gibt keinen Benutzer mit diesem sub.').first()).toBeVisible();
  await pages.button('English').click();
  await expect(pages.page.getByText('There is no user with this sub.').first()).toBeVisible();
  await pages.go('Overview');
  await expect(pages.heading).toHaveText('Overview');
  await pages.close();
});

test('the document is strict, and its program is loaded there alone', async ({ request, page }) => {
  const response = await request.get(`${provider}/admin/users/alice`);
  const policy = response.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe-inline');
  const loaded: string[] = [];
  page.on('request', (asked) => loaded.push(asked.url()));
  await page.goto(admin.app);
  await page.goto(authorizeUrl({}, admin));
  expect(loaded.filter((url) => url.includes('/admin'))).toEqual([]);
});
