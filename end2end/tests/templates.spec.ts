// The templates `axum-server-side`, `axum-api` and `leptos-csr`, each with Doorward and with oidc-provider: what differs is
// configuration. `leptos-ssr` and `mcp-server` have specs of their own.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Page } from '@playwright/test';
import { Doorward } from '../support/doorward.ts';
import { startExample } from '../support/example.ts';
import { serveForeignProvider, signInAndConsent, withoutFonts } from '../support/foreign-provider.ts';
import { foreignTemplates, templates } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { serveFiles } from '../support/static-server.ts';
import { expect, test } from '../support/test.ts';

const repository = resolve(import.meta.dirname, '../..');

const stops: (() => Promise<void>)[] = [];
test.beforeAll(async () => {
  const server = await Doorward.start({ origins: templates, config: templates.config });
  stops.push(() => server.stop());
  const { serverSide, page } = foreignTemplates;
  const grants = { grant_types: ['authorization_code', 'refresh_token'] };
  const clients = [
    {
      ...grants,
      client_id: 'axum-server-side',
      client_secret: 'secret',
      redirect_uris: [`${serverSide}/signin-oidc`],
      post_logout_redirect_uris: [`${serverSide}/signout-callback-oidc`],
    },
    {
      ...grants,
      client_id: 'my-page',
      token_endpoint_auth_method: 'none' as const,
      redirect_uris: [`${page}/`],
      post_logout_redirect_uris: [`${page}/`],
    },
  ];
  stops.push(await serveForeignProvider(foreignTemplates, { clients, page }));
  await start(templates, {});
  // Its access tokens are for the API alone.
  await start(foreignTemplates, { USER_INFO: '0' });
});
test.afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
});

/** Starts the three templates with this provider. */
async function start(at: typeof foreignTemplates, env: Record<string, string>): Promise<void> {
  const { provider, serverSide, api, page } = at;
  stops.push(await startExample('axum-api', api, { ISSUER: provider, LISTEN: new URL(api).host }));
  stops.push(
    await startExample('axum-server-side', serverSide, {
      ORIGIN: serverSide,
      ISSUER: provider,
      API: api,
      SCOPE: 'openid profile offline_access MyBackendApi2',
      ...env,
    }),
  );
  stops.push(await servePage(page, provider));
}

/** Serves the page as trunk would: with a script that loads the program. */
function servePage(origin: string, issuer: string): Promise<() => Promise<void>> {
  const program = (name: string) => () => readFile(`${repository}/target/templates/leptos-csr/${name}`);
  const script = `<script type="module">import init from '/leptos-csr.js'; await init({ module_or_path: '/leptos-csr_bg.wasm' });</script>`;
  const index = async () => {
    const text = await readFile(`${repository}/templates/leptos-csr/index.html`, 'utf8');
    return text.replace('http://localhost:6001', issuer).replace('</head>', `${script}</head>`);
  };
  return serveFiles(origin, {
    '/': { type: 'text/html; charset=utf-8', body: index },
    '/leptos-csr.js': { type: 'text/javascript', body: program('leptos-csr.js') },
    '/leptos-csr_bg.wasm': { type: 'application/wasm', body: program('leptos-csr_bg.wasm') },
  });
}

const providers = [
  {
    name: 'Doorward',
    at: templates,
    user: 'Alice Archer',
    signIn: (page: Page) => new LoginPage(page).submit('alice', 'alice'),
    signOut: async () => {},
  },
  {
    name: 'oidc-provider',
    at: foreignTemplates,
    user: 'alice of the foreign provider',
    signIn: (page: Page) => signInAndConsent(page, 'alice'),
    signOut: (page: Page) => page.getByRole('button', { name: 'Yes, sign me out' }).click(),
  },
];

for (const { name, at, user, signIn, signOut } of providers) {
  test.describe(`with ${name}`, () => {
    test.beforeEach(({ context }) => withoutFonts(context));

    test('a server-rendered application signs in, and calls an API', async ({ page }) => {
      await page.goto(`${at.serverSide}/me`);
      await signIn(page);
      await expect(page).toHaveURL(`${at.serverSide}/me`);
      await expect(page.locator('#user')).toHaveText(user);
      await expect(page.locator('#text')).toHaveText('You are alice.');
      await page.goto(`${at.serverSide}/greeting`);
      await expect(page.locator('#text')).toHaveText('Hello alice');
      await page.locator('#signout').click();
      await signOut(page);
      await expect(page.locator('#signin')).toBeVisible();
      expect(new URL(page.url()).origin).toBe(at.serverSide);
    });

    test('the API refuses who has no token', async () => {
      expect((await fetch(`${at.api}/hello`)).status).toBe(401);
      const headers = { authorization: 'Bearer made-up' };
      expect((await fetch(`${at.api}/figures`, { headers })).status).toBe(401);
    });

    test('a page in the browser signs in and out', async ({ page }) => {
      await page.goto(at.page);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await signIn(page);
      await expect(page.getByText('Welcome, alice')).toBeVisible();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await signOut(page);
      await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
      expect(new URL(page.url()).origin).toBe(at.page);
    });
  });
}
