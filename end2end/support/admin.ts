// The pages for administrators as a person sees them.
import { expect, type Browser, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { LoginPage } from './login-page.ts';
import { totp } from './totp.ts';

/** Sets an authenticator app up, where the provider asks for that in the middle of a sign-in. */
export async function setUpApp(page: Page): Promise<string> {
  await page.locator('details > summary').first().click();
  const key = await page.locator('#secret').innerText();
  // By their places, since the page speaks the browser's language.
  await page.locator('input[autocomplete=one-time-code]').fill(totp(key));
  await page.keyboard.press('Enter');
  await expect(page.locator('#recovery-codes li')).toHaveCount(10);
  await page.locator('a.btn-primary').click();
  return key;
}

/** The cookies of people who have signed in by two factors, so that each does so once at a provider. */
type State = Awaited<ReturnType<BrowserContext['storageState']>>;
const states = new Map<string, State>();

export class AdminPages {
  readonly heading: Locator;
  readonly navigation: Locator;
  readonly notice: Locator;
  readonly dialog: Locator;
  /** The object that a page is about, without the history beside it. */
  readonly object: Locator;

  constructor(
    readonly page: Page,
    readonly origin: string,
  ) {
    this.heading = page.locator('#page-title');
    this.navigation = page.getByRole('navigation', { name: /Administration|Verwaltung/ });
    this.notice = page.locator('#notice');
    this.dialog = page.locator('dialog[open]');
    this.object = page.locator('.admin-columns > .stack').first();
  }

  /** A page of its own for somebody, who has signed in by two factors. */
  static async of(
    browser: Browser,
    origin: string,
    name: string,
    path = '',
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<AdminPages> {
    const key = `${origin} ${name}`;
    const state = states.get(key);
    const context = await browser.newContext(state ? { ...options, storageState: state } : options);
    const pages = new AdminPages(await context.newPage(), origin);
    await pages.open(path);
    await pages.signIn.click();
    if (!state) {
      await new LoginPage(pages.page).submit(name, name);
      await setUpApp(pages.page);
    }
    await pages.ready();
    states.set(key, await context.storageState());
    return pages;
  }

  get signIn(): Locator {
    return this.page.getByRole('button', { name: /^(Sign in|Anmelden)$/ });
  }

  /** Loads a page: `/users`, or nothing for the overview. */
  async open(path = ''): Promise<void> {
    await this.page.goto(`${this.origin}/admin${path}`);
    await expect(this.page.locator('html')).toHaveAttribute('data-hydrated', 'true');
  }

  /** Loads a page in which the user is still signed in. */
  async reopen(path = ''): Promise<void> {
    await this.open(path);
    await this.ready();
  }

  /** Waits until the user is signed in and a page is there. */
  async ready(): Promise<void> {
    await expect(this.navigation).toBeVisible();
    await expect(this.heading).toBeVisible();
    await expect(this.page.locator('[aria-busy=true]')).toHaveCount(0);
  }

  async go(name: string): Promise<void> {
    await this.navigation.getByRole('link', { name, exact: true }).click();
    await this.ready();
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  /** The field of a search finds nothing by the one beginning, and by the other one a row with this button. */
  async findsByBeginning(label: string, beginning: string, button: string): Promise<void> {
    const field = this.page.getByRole('search').getByLabel(label);
    await field.fill('!');
    await expect(this.page.getByText('Nothing was found that begins so.')).toBeVisible();
    await field.fill(beginning);
    await expect(this.button(button)).toBeVisible();
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
