// The page about the API: what it lists, that it runs no script, and that a route can be tried from it, signed in.
import { Application } from '../support/application.ts';
import { demo } from '../support/instances.ts';
import { paths } from '../support/routes.ts';
import { expect, test } from '../support/test.ts';

const path = '/api/docs';
const salesAdmin = '/api/DemoPolicyBased/Sales/Admin/Get';

test('it lists every route with its policies, and the document behind it does, too', async ({ page }) => {
  await page.goto(path);
  const operations = page.locator('.operation');
  await expect(operations).toHaveCount(paths.length);
  for (const route of paths) await expect(page.locator('main')).toContainText(route);
  const one = operations.filter({ hasText: salesAdmin });
  await expect(one).toContainText('SalesDepartmentAndAdminPolicy');
  await expect(one).toContainText('Needs department Sales and role admin');

  await page.getByRole('link', { name: 'OpenAPI document' }).click();
  const document = JSON.parse((await page.locator('body').textContent()) ?? '');
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths).toSorted()).toEqual(paths.toSorted());
});

test('a route is tried by keyboard as the user who is signed in', async ({ page }) => {
  const app = new Application(page);
  await app.open();
  await app.signInAs('alice');
  await page.goto(path);
  await page.getByRole('link', { name: `Try it with ${salesAdmin}` }).focus();
  await page.keyboard.press('Enter');
  await app.expectSignedInAs('alice');
  await expect(app.route).toHaveValue(salesAdmin);
  await expect(page.locator('#api_verdict')).toContainText('Allowed');
  const [response] = await Promise.all([
    page.waitForResponse((response) => new URL(response.url()).pathname === salesAdmin),
    app.callApi.click(),
  ]);
  expect(response.status()).toBe(200);
  await expect(app.results).toContainText('200');
});

test('the chosen route outlives the sign-in', async ({ page }) => {
  const app = new Application(page);
  await page.goto(path);
  await page.getByRole('link', { name: `Try it with ${salesAdmin}` }).click();
  await app.expectSignedOut();
  await expect(app.route).toHaveValue(salesAdmin);
  await app.signInAs('jblin');
  await expect(app.route).toHaveValue(salesAdmin);
  await expect(page.locator('#api_verdict')).toContainText('needs role admin');
});

test('an address that asks for a route that is none changes nothing', async ({ page }) => {
  const app = new Application(page);
  await app.open('/?route=%2Fapi%2FNothing');
  await expect(app.route).toHaveValue('/api/DemoPolicyBased/Admin/Get');
});

test('the page cannot be framed or scripted', async ({ request }) => {
  const response = await request.get(demo.app + path);
  const policy = response.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('script-src');
  expect(await response.text()).not.toMatch(/<script\b|\son\w+=|javascript:/i);
});
