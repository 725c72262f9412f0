// A server-rendered application (`examples/server-side`) as two processes that share their sessions in one PostgreSQL.
import type { Page } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { startExample } from '../support/example.ts';
import { twoProcesses } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { Service } from '../support/service.ts';
import { expect, test } from '../support/test.ts';

const { app, client: first, management, provider, second } = twoProcesses;
/** How long access tokens live, according to the configuration, in milliseconds. They are renewed after half of it. */
const lifetime = 20_000;

const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  const postgres = await Service.start('test-postgres');
  stops.unshift(() => postgres.stop());
  const server = await Doorward.start({ origins: twoProcesses, config: twoProcesses.config });
  stops.unshift(() => server.stop());
  const env = { ORIGIN: first, ISSUER: provider, API: app, SESSIONS: postgres.url };
  stops.unshift(await startExample('server-side', first, env));
  stops.unshift(await startExample('server-side', second, { ...env, LISTEN: new URL(second).host }));
});
test.afterAll(async () => {
  for (const stop of stops) await stop();
});

const user = (page: Page) => page.locator('#user');

async function signIn(page: Page, name: string): Promise<void> {
  await page.goto(`${first}/me`);
  await new LoginPage(page).submit(name, name);
  await expect(page).toHaveURL(`${first}/me`);
}

test('a session that began at one process is known at the other', async ({ page }) => {
  await signIn(page, 'alice');
  await page.goto(`${second}/me`);
  await expect(user(page)).toHaveText('Alice Archer');
  await page.goto(`${second}/call`);
  await expect(page.locator('#text')).toHaveText('The API answered 200 OK.');
});

test('a sign-in that began at one process is finished at the other', async ({ page }) => {
  await page.goto(`${second}/me`);
  await new LoginPage(page).submit('bob', 'bob');
  await expect(page).toHaveURL(`${first}/me`);
  await expect(user(page)).toHaveText('Bob Baker');
});

test('50 requests at once at both processes ask once for new tokens', async ({ page }) => {
  await signIn(page, 'carol');
  for (const [when, age] of [
    ['before the token expires', 0.6 * lifetime],
    ['after it has expired', 1.1 * lifetime],
  ] as const) {
    await test.step(when, async () => {
      const issued = Date.now();
      await expect.poll(() => Date.now() - issued, { timeout: 2 * lifetime }).toBeGreaterThan(age);
      const before = await renewals();
      const answers = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const answer = await page.request.get(`${index % 2 === 0 ? first : second}/call`);
          return (await answer.text()).match(/The API answered [^.]*/)?.[0];
        }),
      );
      expect(answers).toEqual(answers.map(() => 'The API answered 200 OK'));
      expect((await renewals()) - before).toBe(1);
    });
  }
});

test('a logout token for one process ends the session at both', async ({ page }) => {
  await signIn(page, 'dave');
  await page.goto(`${provider}/account/logout`);
  await page.locator('button[name=action]').first().click();
  for (const process of [first, second]) {
    await expect
      .poll(async () => {
        await page.goto(process);
        return page.locator('main').textContent();
      })
      .toContain('You are not signed in.');
  }
});

/** How many times the provider was asked for tokens by a refresh token. */
async function renewals(): Promise<number> {
  const metrics = await (await fetch(`${management}/metrics`)).text();
  const counted = metrics.matchAll(/^doorward_grants_total\{[^}]*grant_type="refresh_token"[^}]*\} (\d+)$/gm);
  return [...counted].reduce((sum, [, count]) => sum + Number(count), 0);
}
