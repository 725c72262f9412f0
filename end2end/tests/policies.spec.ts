// Every demo user against every protected route, through the page's chooser.
import { Application } from '../support/application.ts';
import { paths, routes } from '../support/routes.ts';
import { expect, test } from '../support/test.ts';
import { users } from '../support/users.ts';

for (const user of users) {
  test(`${user} is let into exactly the routes that the policies allow`, async ({
    page,
    expectConsoleError,
  }) => {
    expectConsoleError(/status of 403/);
    const app = new Application(page);
    await app.open();
    await app.signInAs(user);

    for (const [route, allowed] of Object.entries(routes)) {
      const expected = allowed.includes(user) ? 200 : 403;
      await test.step(`${route} answers ${expected}`, async () => {
        const response = await app.call(route);
        expect(response.status()).toBe(expected);
        await expect(app.results).toContainText(String(expected));
        if (expected === 200) await expect(app.results).toContainText((await response.json()).message);
      });
    }
  });
}

test('the chooser offers every route and no other', async ({ page }) => {
  const app = new Application(page);
  await app.open();
  await app.signInAs('alice');
  const offered = await app.route
    .locator('option')
    .evaluateAll((options) => options.map((option) => (option as HTMLOptionElement).value));
  expect(offered.toSorted()).toEqual(paths.toSorted());
});

test('without a token, and with a foreign one, the API answers 401 with a challenge', async ({ request }) => {
  const foreign = 'eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiJhbGljZSIsInJvbGUiOiJhZG1pbiJ9.';
  for (const route of paths) {
    const anonymous = await request.get(route);
    expect(anonymous.status(), route).toBe(401);
    expect(anonymous.headers()['www-authenticate'], route).toMatch(/^Bearer/);

    const forged = await request.get(route, { headers: { authorization: `Bearer ${foreign}` } });
    expect(forged.status(), route).toBe(401);
    expect(forged.headers()['www-authenticate'], route).toMatch(/^Bearer .*error="invalid_token"/);
  }
});
