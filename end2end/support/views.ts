// Every page that a user can see, and the ways of looking at it: what the accessibility specs check and the
// screenshots show.
import { expect, type Page } from '@playwright/test';
import { Application } from './application.ts';
import { authorizeUrl } from './authorize.ts';
import { Inspector } from './inspector.ts';
import { demo } from './instances.ts';
import { LoginPage } from './login-page.ts';

/** The sizes and colour schemes that every page must suit. */
export const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
  'phone-dark': { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
} as const;

/** The name of one of them. */
export type Look = keyof typeof looks;

/** How to come to each page; each starts in a browser without a session. */
export const views: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  'signed-out': async (page) => {
    await new Application(page).open();
  },
  'signed-in': async (page) => {
    await signIn(page);
  },
  'api-answer': async (page) => {
    const app = await signIn(page);
    await app.call('/api/DemoPolicyBased/Admin/Get');
    await expect(app.results).toContainText('200');
  },
  'api-refusal': async (page) => {
    const app = await signIn(page);
    await app.call('/api/DemoPolicyBased/User/Get');
    await expect(app.results).toContainText('403');
  },
  'api-docs': async (page) => {
    await page.goto(`${demo.app}/api/docs`);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  },
  inspector: async (page) => {
    await signIn(page);
    const inspector = new Inspector(page);
    await inspector.open();
    const token = await inspector.card('token');
    await token.reveal('code_verifier');
    await token.parameter('id_token').locator('.token-parts > summary').click();
    await inspector.card('checks');
  },
  'inspector-steps': async (page) => {
    const app = await signIn(page);
    await app.call('/api/DemoPolicyBased/Admin/Get');
    await new Inspector(page).open();
  },
  'inspector-empty': async (page) => {
    await new Application(page).open();
    await new Inspector(page).open();
  },
  'sign-in-refused': async (page) => {
    const app = new Application(page);
    await app.open();
    await app.signIn.click();
    await app.loginPage.cancel();
    await expect(app.error).toBeVisible();
  },
  login: async (page) => {
    await page.goto(authorizeUrl());
    await new LoginPage(page).expectOpen(demo.provider);
  },
  'login-german': async (page) => {
    await page.goto(authorizeUrl({ ui_locales: 'de' }));
    await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  },
  consent: async (page) => {
    await consent(page, {});
  },
  'consent-german': async (page) => {
    await consent(page, { ui_locales: 'de' });
  },
  grants: async (page) => {
    await signIn(page);
    await page.goto(`${demo.provider}/grants`);
    await expect(page.getByText('JavaScript Client')).toBeVisible();
  },
  device: async (page) => {
    await signIn(page);
    await page.goto(`${demo.provider}/device`);
    await expect(page.locator('input[name=user_code]')).toBeVisible();
  },
  'login-failed': async (page) => {
    const form = new LoginPage(page);
    await page.goto(authorizeUrl());
    await page.locator('form').evaluate((element: HTMLFormElement) => (element.noValidate = true));
    await form.submit('', '');
    await expect(form.alert).toBeVisible();
  },
  'forgot-password': async (page) => {
    await page.goto(`${demo.provider}/account/forgot-password`);
    await expect(page.locator('input[name=account]')).toBeVisible();
  },
  'forgot-password-refused': async (page) => {
    await page.goto(`${demo.provider}/account/forgot-password`);
    await page.locator('form').evaluate((element: HTMLFormElement) => (element.noValidate = true));
    await page.locator('form button').click();
    await expect(page.getByRole('alert')).toBeVisible();
  },
  register: async (page) => {
    await page.goto(`${demo.provider}/account/register`);
    await expect(page.locator('input[name=email]')).toBeVisible();
  },
  'link-used': async (page) => {
    await page.goto(`${demo.provider}/account/reset-password?token=used`);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  },
  logout: async (page) => {
    await signIn(page);
    await page.goto(`${demo.provider}/connect/endsession`);
    await expect(page.locator('button[name=action][value=logout]')).toBeVisible();
  },
  'logged-out': async (page) => {
    await signIn(page);
    await page.goto(`${demo.provider}/connect/endsession`);
    await page.locator('button[name=action][value=logout]').click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/(logged|signed) out/i);
  },
  error: async (page) => {
    await page.goto(authorizeUrl({ client_id: 'nobody' }));
    await expect(page.getByRole('alert')).toBeVisible();
  },
};

/** Signs in at a client whose users are asked. */
async function consent(page: Page, changes: Record<string, string>): Promise<void> {
  const web = { client_id: 'PkceCodeBackend', redirect_uri: `${demo.app}/signin-oidc`, ...changes };
  await page.goto(authorizeUrl(web));
  await new LoginPage(page).submit('alice', 'alice');
  await expect(page.locator('form[action$="/consent"]')).toBeVisible();
}

async function signIn(page: Page): Promise<Application> {
  const app = new Application(page);
  await app.open();
  await app.signInAs('alice');
  return app;
}
