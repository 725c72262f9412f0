// Pages that look like their operator's, and like a client's: readable by axe in every look, and under the same policy.
// `SCREENSHOTS=docs npx playwright test branding` renews the picture in the guide.
import { resolve } from 'node:path';
import type { Page } from '@playwright/test';
import { authorizeUrl } from '../support/authorize.ts';
import { Doorward } from '../support/doorward.ts';
import { expectAccessible } from '../support/inspection.ts';
import { branding } from '../support/instances.ts';
import { LoginPage } from '../support/login-page.ts';
import { expect, test } from '../support/test.ts';
import { looks } from '../support/views.ts';

const folder = resolve(import.meta.dirname, '../config/branding');
const images = resolve(import.meta.dirname, '../../docs/images');
const screenshots = resolve(import.meta.dirname, '../screenshots');

let server: Doorward;
test.beforeAll(async () => {
  server = await Doorward.start({
    origins: branding,
    config: branding.config,
    env: { DOORWARD_BRANDING__LOGOS: `${folder}/logos`, DOORWARD_BRANDING__TEXTS: `${folder}/texts` },
  });
});
test.afterAll(() => server?.stop());

const forShop = (changes: Record<string, string | null> = {}) =>
  authorizeUrl({ client_id: 'Shop', scope: 'openid profile email', ...changes }, branding);

/** How to come to each page, with the name and the accent in light and dark that it shows then. */
const views: Record<
  string,
  { open: (page: Page) => Promise<void>; name: string; accents: [string, string] }
> = {
  login: {
    open: async (page) => {
      await page.goto(authorizeUrl({}, branding));
      await expect(page.getByText('and go on to JavaScript Client')).toBeVisible();
    },
    name: 'Example',
    accents: ['#7a1f5c', ''],
  },
  'login-of-client': {
    open: async (page) => {
      await page.goto(forShop());
    },
    name: 'Shop',
    accents: ['#123c8c', '#9dbcff'],
  },
  'consent-of-client': {
    open: async (page) => {
      await page.goto(forShop());
      await new LoginPage(page).submit('alice', 'alice');
      await expect(page.getByRole('heading', { name: 'Allow The shop?' })).toBeVisible();
    },
    name: 'Shop',
    accents: ['#123c8c', '#9dbcff'],
  },
  'error-of-client': {
    open: async (page) => {
      await page.goto(forShop({ redirect_uri: 'https://elsewhere.example/' }));
      await expect(page.getByRole('alert')).toBeVisible();
    },
    name: 'Shop',
    accents: ['#123c8c', '#9dbcff'],
  },
};

for (const [look, { colorScheme, viewport }] of Object.entries(looks)) {
  test.describe(look, () => {
    test.use({ colorScheme, viewport, contextOptions: { reducedMotion: 'reduce' } });
    for (const [view, { open, name, accents }] of Object.entries(views)) {
      test(`${view} looks as chosen, is accessible and fits the screen`, async ({
        page,
        expectConsoleError,
      }) => {
        expectConsoleError(/status of 400/);
        await open(page);
        await expect(page).toHaveTitle(new RegExp(`· ${name}$`));
        await expect(page.locator('.brand')).toHaveText(name);
        for (const link of ['Imprint', 'Privacy policy', 'Help']) {
          await expect(page.getByRole('contentinfo').getByRole('link', { name: link })).toBeVisible();
        }
        const logo = page.locator('img.brand-logo');
        expect(await logo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(96);
        const accent = await page.evaluate(() =>
          getComputedStyle(document.documentElement).getPropertyValue('--accent').trim(),
        );
        const expected = accents[colorScheme === 'dark' ? 1 : 0];
        if (expected) expect(accent).toBe(expected);
        else expect(accent).not.toBe('#84d3b4');

        await expectAccessible(page, view);
        if (process.env['SCREENSHOTS']) {
          await page.screenshot({ path: `${screenshots}/branding-${view}-${look}.png`, fullPage: true });
        }
        if (process.env['SCREENSHOTS'] === 'docs' && look === 'light' && view === 'login-of-client') {
          await page.screenshot({ path: `${images}/branding.png`, fullPage: true });
        }
      });
    }
  });
}

test('a logo that is opened by itself runs and loads nothing', async ({ page, request }) => {
  await page.goto(forShop());
  const address = await page.locator('img.brand-logo').getAttribute('src');
  const response = await request.get(new URL(address ?? '', branding.provider).href);
  const headers = response.headers();
  expect(headers['content-type']).toBe('image/png');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['content-security-policy']).toContain('sandbox');
});
