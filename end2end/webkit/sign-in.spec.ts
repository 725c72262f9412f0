// The main story in WebKitGTK, the engine of Safari: sign in, call the API, a second tab, sign out.
import { test } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { webkit } from '../support/instances.ts';
import { Browser, type Tab } from './browser.ts';
import { startDriver } from './driver.ts';

const route = '/api/DemoPolicyBased/Admin/Get';

const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  const server = await Doorward.start({ origins: webkit, config: webkit.config });
  stops.push(() => server.stop());
  stops.push(await startDriver(webkit.driver));
});
test.afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

let browser: Browser;
test.beforeEach(async () => {
  browser = await Browser.open(webkit.driver);
});
test.afterEach(() => browser?.close());

test('alice signs in, calls the API, and signs out in all tabs', async () => {
  const first = await browser.firstTab();

  await test.step('the page welcomes her, signed out', async () => {
    await openApplication(first);
    await expectSignedOut(first);
  });

  await test.step('the provider asks for her password', async () => {
    await first.click('#login');
    await logIn(first, 'alice', 'alice');
    await expectSignedIn(first, 'alice');
  });

  await test.step('the API answers her', async () => {
    await first.click(`#api_route option[value="${route}"]`);
    await first.click('#api');
    await first.expectText('#results', /\b200\b/);
  });

  const second = await browser.newTab();
  await test.step('a second tab signs in without a password', async () => {
    await openApplication(second);
    await second.click('#login');
    await expectSignedIn(second, 'alice');
  });

  await test.step('a sign-out in the second tab reaches the first', async () => {
    await second.click('#logout');
    await expectSignedOut(second);
    await expectSignedOut(first);
  });

  await test.step('the next sign-in asks for the password', async () => {
    await first.click('#login');
    await first.expectVisible('input[name=password]');
  });
});

test('a wrong password is refused, and may be corrected', async () => {
  const tab = await browser.firstTab();
  await openApplication(tab);
  await tab.click('#login');
  await logIn(tab, 'bob', 'not his password');
  await tab.expectVisible('[role=alert]');
  await tab.expectValue('input[name=username]', 'bob');
  await tab.expectValue('input[name=password]', '');
  await logIn(tab, 'bob', 'bob');
  await expectSignedIn(tab, 'bob');
});

/** Opens the application and waits until its code runs. */
async function openApplication(tab: Tab): Promise<void> {
  await tab.open(webkit.app);
  await tab.expectPresent('[data-hydrated]');
}

/** Fills in and sends the provider's form. */
async function logIn(tab: Tab, username: string, password: string): Promise<void> {
  await tab.expectVisible('input[name=password]');
  await tab.fill('input[name=username]', username);
  await tab.fill('input[name=password]', password);
  await tab.click('button[name=action][value=login]');
}

async function expectSignedIn(tab: Tab, user: string): Promise<void> {
  await tab.expectPresent('[data-hydrated]');
  await tab.expectText('#uid', user);
  await tab.expectVisible('#logout');
  await tab.expectHidden('#login');
}

async function expectSignedOut(tab: Tab): Promise<void> {
  await tab.expectPresent('[data-hydrated]');
  await tab.expectVisible('#login');
  await tab.expectHidden('#logout');
}
