// Tabs that share one user renew its tokens once for all of them: no refresh token is ever used twice.
import type { BrowserContext, Request } from '@playwright/test';
import { Application, isTokenRequest } from '../support/application.ts';
import { Doorward } from '../support/doorward.ts';
import { sharedTabs } from '../support/instances.ts';
import { expect, test } from '../support/test.ts';

const route = '/api/DemoPolicyBased/Everyone/Get';
const tokenEndpoint = '**/connect/token';

let server: Doorward;
test.beforeAll(async () => {
  server = await Doorward.start({ origins: sharedTabs, config: sharedTabs.config });
});
test.afterAll(() => server?.stop());

for (const locks of ['with Web Locks', 'with a lease in the storage']) {
  test.describe(locks, () => {
    test.beforeEach(async ({ context }) => {
      if (locks === 'with Web Locks') return;
      await context.addInitScript(() => {
        Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
      });
    });

    test('three tabs with five callers each make one token request', async ({ context, request }) => {
      await stretchTimeouts(context);
      const tabs = await signedInTabs(context, 3);
      const spent = spentRefreshTokens(context);

      // The provider's answer is held back, so that everybody finds a renewal under way.
      let answer = () => {};
      const held = new Promise<void>((resolve) => (answer = resolve));
      const waiting: Request[] = [];
      await context.route(tokenEndpoint, async (route) => {
        waiting.push(route.request());
        await held;
        await route.continue();
      });
      await expect.poll(() => waiting.length).toBe(1);
      const old = (await tabs[0]?.accessToken.textContent()) ?? '';
      await expect
        .poll(async () => {
          const authorization = `Bearer ${old}`;
          return (await request.get(sharedTabs.app + route, { headers: { authorization } })).status();
        })
        .toBe(401);
      const calls = tabs.map((tab) => tab.call(route));
      for (const tab of tabs) {
        await tab.page.evaluate(() => {
          for (const wake of ['online', 'focus', 'pageshow', 'online']) window.dispatchEvent(new Event(wake));
        });
      }
      expect(waiting, 'nobody else asked meanwhile').toHaveLength(1);

      answer();
      for (const call of calls) expect((await call).status()).toBe(200);
      expect(new Set(spent).size, 'one-time refresh tokens are used once').toBe(spent.length);
      for (const tab of tabs) await tab.expectSignedInAs('alice');
    });

    test('a tab that is closed while it renews holds nobody up', async ({ context }) => {
      const [first] = await signedInTabs(context, 1);
      await first!.page.route(tokenEndpoint, () => {
        // Never answered.
      });
      await first!.page.waitForRequest((request) => isTokenRequest(request, 'refresh_token'));
      const second = new Application(await context.newPage(), sharedTabs);
      await second.open();
      const renewed = second.page.waitForResponse((response) =>
        isTokenRequest(response.request(), 'refresh_token'),
      );
      await first!.page.close();
      expect((await renewed).status()).toBe(200);
      await second.expectSignedInAs('alice');
    });
  });
}

test('a sign-out in one tab signs the others out', async ({ context }) => {
  const [first, ...others] = await signedInTabs(context, 3);
  await first!.signOut.click();
  await first!.expectSignedOut();
  for (const other of others) await other.expectSignedOut();
});

/**
 * How often each of the following stories is repeated. `ROUNDS=20` gives figures, and is for a machine that has nothing
 * else to do: tabs agree within a second there.
 */
const rounds = Number(process.env.ROUNDS ?? 2);
const soon = { timeout: process.env.ROUNDS ? 1_000 : 60_000 };

test('a renewal, a sign-out and a sign-in in one tab show in the other', async ({ context }) => {
  test.setTimeout(300_000 + rounds * 60_000);
  const [first, second] = await signedInTabs(context, 2);
  for (let round = 0; round < rounds; round += 1) {
    const before = (await first!.accessToken.textContent()) ?? '';
    await expect(first!.accessToken).not.toHaveText(before);
    // The next renewal may come before both have been looked at.
    const same = async () =>
      (await first!.accessToken.textContent()) === (await second!.accessToken.textContent());
    await expect.poll(same, { message: `renewal ${round}`, ...soon }).toBe(true);

    await first!.signOut.click();
    await expect(second!.signIn, `sign-out ${round}`).toBeVisible(soon);
    await first!.expectSignedOut();

    await first!.signInAs('alice');
    await expect(second!.signOut, `sign-in ${round}`).toBeVisible(soon);
  }
});

test('a tab that was suspended does not end the session that began meanwhile', async ({ context }) => {
  test.setTimeout(300_000 + rounds * 60_000);
  const [first, second] = await signedInTabs(context, 2);
  for (let round = 0; round < rounds; round += 1) {
    await second!.page.evaluate(() => {
      setTimeout(() => {
        const end = Date.now() + 3_500;
        while (Date.now() < end);
      });
    });
    await first!.signOut.click();
    await first!.expectSignedOut();
    await first!.signInAs('alice');
    // Answered when the tab runs again.
    await second!.page.evaluate(() => undefined);
    await expect(second!.signOut, `round ${round}`).toBeVisible(soon);
    const kept = await first!.page.evaluate(() =>
      Object.keys(localStorage).filter((key) => key.startsWith('oidc.user:')),
    );
    expect(kept, `round ${round}`).toHaveLength(1);
    expect((await first!.call(route)).status()).toBe(200);
  }
});

/**
 * The client gives a request up after 10 s, and a lock of another tab after 15 s. A busy machine may take longer for all that a test does while it holds a
 * request back, so that it waits for a minute here.
 */
async function stretchTimeouts(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const start = window.setTimeout.bind(window);
    window.setTimeout = ((handler: TimerHandler, delay?: number) =>
      start(handler, delay === 10_000 || delay === 15_000 ? 60_000 : delay)) as typeof window.setTimeout;
  });
}

/** Alice signs in in the first tab; the others find her signed in. */
async function signedInTabs(context: BrowserContext, count: number): Promise<Application[]> {
  const tabs: Application[] = [];
  for (let number = 0; number < count; number += 1) {
    const tab = new Application(await context.newPage(), sharedTabs);
    await tab.open();
    if (number === 0) await tab.signInAs('alice');
    await tab.expectSignedInAs('alice');
    tabs.push(tab);
  }
  return tabs;
}

/** The refresh tokens that the tabs present from now on. */
function spentRefreshTokens(context: BrowserContext): string[] {
  const spent: string[] = [];
  context.on('request', (request: Request) => {
    if (!isTokenRequest(request, 'refresh_token')) return;
    spent.push(new URLSearchParams(request.postData() ?? '').get('refresh_token') ?? '');
  });
  return spent;
}
