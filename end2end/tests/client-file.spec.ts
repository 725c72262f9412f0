// The client is a file of its own, which a signed-out visitor need not load.
import { Application } from '../support/application.ts';
import { expect, test } from '../support/test.ts';

const file = /\/split_sign_in\.wasm$/;

test('a signed-out visitor does not load the client, and who is about to sign in does', async ({ page }) => {
  const app = new Application(page);
  const loaded: string[] = [];
  page.on('request', (request) => {
    if (file.test(request.url())) loaded.push(request.url());
  });
  await app.open();
  await app.expectSignedOut();
  expect(loaded).toEqual([]);

  const arrived = page.waitForResponse(file);
  await app.signIn.hover();
  expect((await arrived).ok()).toBe(true);
  await app.signInAs('alice');
  await page.reload();
  await app.expectSignedInAs('alice');
});

test('a client that does not load is told of, and the next attempt loads it', async ({
  page,
  expectConsoleError,
}) => {
  expectConsoleError(/split_sign_in\.wasm.*ERR_FAILED/);
  expectConsoleError(/Failed to fetch/);
  const app = new Application(page);
  await page.route(file, (route) => route.abort());
  await app.open();
  await app.signIn.click();
  await expect(app.error).toContainText('does not answer');
  await expect(page).toHaveURL(`${app.origins.app}/`);

  await page.unroute(file);
  await app.signInAs('bob');
});
