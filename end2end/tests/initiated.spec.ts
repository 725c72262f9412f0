// A sign-in that somebody else begins at the application (OIDC Core section 4), as the provider's page of applications.
import type { Page } from '@playwright/test';
import { Application } from '../support/application.ts';
import { demo } from '../support/instances.ts';
import { expect, test } from '../support/test.ts';

const path = '/initiate-login';
const target = `${demo.app}/?route=%2Fapi%2FDemoPolicyBased%2FAdmin%2FGet#results`;

/** Where the page was, oldest first. */
function places(page: Page): string[] {
  const places: string[] = [];
  page.on('framenavigated', (frame) => {
    if (frame === page.mainFrame()) places.push(frame.url());
  });
  return places;
}

test('it takes the hint along, and ends at the target', async ({ page }) => {
  const app = new Application(page);
  const visited = places(page);
  const asked = new URLSearchParams({ iss: demo.provider, login_hint: 'alice', target_link_uri: target });
  await page.goto(`${demo.app}${path}?${asked}`);
  await app.loginPage.expectOpen(demo.provider);
  await expect(app.loginPage.username).toHaveValue('alice');
  // Whoever goes back from there is not sent away again.
  expect(visited).toContain(demo.app + path);

  await app.loginPage.submit('alice', 'alice');
  await app.expectSignedInAs('alice');
  expect(page.url()).toBe(target);

  await test.step('for a user of the provider it is a matter of a moment', async () => {
    const again = new URLSearchParams({ iss: demo.provider });
    await page.goto(`${demo.app}${path}?${again}`);
    await page.waitForURL((url) => url.pathname === '/OpenId/Login/JS' && url.search === '');
    await app.expectSignedInAs('alice');
  });
});

test('it may begin by a form of another site', async ({ page }) => {
  const app = new Application(page);
  await page.setContent(
    `<form method="post" action="${demo.app}${path}">
      <input name="iss" value="${demo.provider}"><input name="login_hint" value="bob"><button>Open</button>
    </form>`,
  );
  await page.getByRole('button', { name: 'Open' }).click();
  await app.loginPage.expectOpen(demo.provider);
  await expect(app.loginPage.username).toHaveValue('bob');
});

const refused: Record<string, Record<string, string>> = {
  'another issuer': { iss: 'https://evil.example' },
  'a target at another origin': { iss: demo.provider, target_link_uri: 'https://evil.example/' },
  'a target that looks like a path': { iss: demo.provider, target_link_uri: '//evil.example' },
  'a target that begins like this origin': {
    iss: demo.provider,
    target_link_uri: `${demo.app}.evil.example/`,
  },
};
for (const [what, asked] of Object.entries(refused)) {
  test(`${what} is refused, and the user can sign in`, async ({ page }) => {
    const app = new Application(page);
    const visited = places(page);
    await app.open(`${path}?${new URLSearchParams(asked)}`);
    await expect(app.error).toBeVisible();
    await app.expectSignedOut();
    expect(visited.filter((place) => !place.startsWith(`${demo.app}/`))).toEqual([]);
    await app.signInAs('alice');
    expect(page.url()).toBe(`${demo.app}/OpenId/Login/JS`);
  });
}

test('without an issuer it is a page like the others', async ({ page }) => {
  const app = new Application(page);
  await app.open(`${path}?login_hint=alice`);
  await app.expectSignedOut();
  await expect(app.error).toBeHidden();
});

test('the page of given access opens the application, which signs in', async ({ page, context }) => {
  const app = new Application(page);
  await app.open();
  await app.signInAs('carol');
  // A tab that knows nobody, in a browser that the provider knows.
  const tab = await context.newPage();
  const opened = new Application(tab);
  await tab.goto(`${demo.provider}/grants`);
  await tab.getByRole('link', { name: 'Open JavaScript Client' }).click();
  await opened.expectSignedInAs('carol');
  await expect(tab).toHaveURL(`${demo.app}/OpenId/Login/JS`);
});
