// Two tabs of one browser share the session at the provider.
import { Application } from '../support/application.ts';
import { demo } from '../support/instances.ts';
import { expect, test } from '../support/test.ts';

test('the second tab signs in without a password, and a sign-out ends the session for both', async ({
  context,
}) => {
  const first = new Application(await context.newPage());
  const second = new Application(await context.newPage());

  await first.open();
  await second.open();
  await first.signInAs('carol');

  await test.step('the second tab needs no password', async () => {
    const logins: string[] = [];
    second.page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().startsWith(`${demo.provider}/account/`)) {
        logins.push(request.url());
      }
    });
    await second.signIn.click();
    await second.expectSignedInAs('carol');
    expect(logins).toEqual([]);
  });

  await test.step('each tab has tokens of its own', async () => {
    expect(await first.accessToken.textContent()).not.toBe(await second.accessToken.textContent());
    for (const tab of [first, second]) {
      expect((await tab.call('/api/DemoPolicyBased/AdminAndUser/Get')).status()).toBe(200);
    }
  });

  await test.step('a sign-out in the first reaches the second, whose next sign-in asks for the password', async () => {
    await first.signOut.click();
    await first.expectSignedOut();
    await second.expectSignedOut();
    await second.signIn.click();
    await second.loginPage.expectOpen(demo.provider);
  });
});

test('two tabs that sign in at once both succeed', async ({ context }) => {
  const tabs = [new Application(await context.newPage()), new Application(await context.newPage())];
  for (const tab of tabs) {
    await tab.open();
    await tab.signIn.click();
    await tab.loginPage.expectOpen(demo.provider);
  }
  for (const tab of tabs) {
    await tab.loginPage.submit('bob', 'bob');
    await tab.expectSignedInAs('bob');
  }
});
