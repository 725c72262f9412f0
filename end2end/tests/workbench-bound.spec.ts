// Our client with tokens that are bound to a key of the browser (RFC 9449), at a Doorward that wants its requests pushed
// (RFC 9126) and a nonce in each proof.
import { Doorward } from '../support/doorward.ts';
import { boundWorkbench } from '../support/instances.ts';
import { claimsOf } from '../support/jwt.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';
import { serveWorkbench, settingsOf, Workbench } from '../support/workbench.ts';

const { app, page: origin, provider } = boundWorkbench;
const api = `${app}/api/DemoPolicyBased/Admin/Get`;

let server: Doorward;
let stop: () => Promise<void>;
test.beforeAll(async () => {
  server = await Doorward.start({ origins: boundWorkbench, config: boundWorkbench.config });
  const bound = { client_id: 'workbench-bound', dpop: true, push_authorization_requests: true };
  stop = await serveWorkbench(origin, settingsOf(origin, provider, { ...bound, load_user_info: true, api }));
});
test.afterAll(async () => {
  await stop?.();
  await server?.stop();
});

test('sign in, call the API, renew by token and in a frame, sign out', async ({
  page,
  request,
  expectConsoleError,
}) => {
  // The browser's own lines about the answers that ask for a nonce.
  expectConsoleError(/\/connect\/(par|token): .*status of 400/);
  expectConsoleError(/\/connect\/userinfo: .*status of 401/);
  const bench = new Workbench(page, origin);
  const visits: string[] = [];
  page.on(
    'request',
    (request) => request.url().includes('/connect/authorize?') && visits.push(request.url()),
  );
  await bench.open();
  await bench.press('signin_redirect');
  await submit(page);
  await expect(bench.status).toHaveText(/^signed in alice/);
  expect([...new URL(visits[0] ?? '').searchParams.keys()]).toEqual(['client_id', 'request_uri']);

  const first = await bench.user();
  expect(first.token_type).toBe('DPoP');
  const key = claimsOf(first.access_token)['cnf'];
  expect(key).toEqual({ jkt: expect.stringMatching(/^[\w-]{43}$/) });

  await bench.pressAndExpect('call_api', /^200 /);
  for (const scheme of ['Bearer', 'DPoP']) {
    const stolen = await request.get(api, { headers: { authorization: `${scheme} ${first.access_token}` } });
    expect(stolen.status(), 'without the key').toBe(401);
  }

  await bench.pressAndExpect('signin_silent', 'silently alice');
  const second = await bench.user();
  expect(second.refresh_token).not.toBe(first.refresh_token);
  expect(claimsOf(second.access_token)['cnf']).toEqual(key);

  await bench.pressAndExpect('remove_user', 'removed');
  await bench.pressAndExpect('signin_silent', 'silently alice');
  expect(claimsOf((await bench.user()).access_token)['cnf'], 'in a frame').toEqual(key);

  await bench.press('signout_redirect');
  await expect(bench.status).toHaveText('signed out, state a sign-out');
  await bench.expectNobody();
});

test('the key can not be read', async ({ page, expectConsoleError }) => {
  expectConsoleError(/\/connect\/(par|token): .*status of 400/);
  const bench = new Workbench(page, origin);
  await bench.open();
  await bench.press('signin_redirect');
  await new LoginPage(page).expectOpen(provider);
  await page.goto(origin);
  const exported = await page.evaluate(async () => {
    const result = <T>(request: IDBRequest<T>) =>
      new Promise<T>((done, failed) => {
        request.onsuccess = () => done(request.result);
        request.onerror = () => failed(request.error);
      });
    const keys: string[] = [];
    for (const { name } of await indexedDB.databases()) {
      const database = await result(indexedDB.open(name!));
      for (const store of database.objectStoreNames) {
        for (const kept of await result(database.transaction(store).objectStore(store).getAll())) {
          const { privateKey } = kept as CryptoKeyPair;
          keys.push(`${privateKey.algorithm.name} ${privateKey.extractable}`);
          await crypto.subtle.exportKey('pkcs8', privateKey).catch((error) => keys.push(error.name));
        }
      }
    }
    return keys;
  });
  expect(exported).toEqual(['ECDSA false', 'InvalidAccessError']);
});

async function submit(page: Workbench['page']): Promise<void> {
  const form = new LoginPage(page);
  await form.expectOpen(provider);
  await form.submit('alice', 'alice');
}
