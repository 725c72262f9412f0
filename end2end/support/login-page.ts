// The provider's login page as a user sees it.
import { expect, type Locator, type Page } from '@playwright/test';

export class LoginPage {
  readonly username: Locator;
  readonly password: Locator;
  readonly remember: Locator;
  readonly alert: Locator;

  constructor(readonly page: Page) {
    this.username = page.locator('input[name=username]');
    this.password = page.locator('input[name=password]');
    this.remember = page.locator('input[name=remember_login]');
    this.alert = page.getByRole('alert');
  }

  /** Waits until the form is there, on the given provider's origin. */
  async expectOpen(provider: string): Promise<void> {
    await expect(this.password).toBeVisible();
    expect(new URL(this.page.url()).origin).toBe(new URL(provider).origin);
  }

  /** Fills in and sends the form. */
  async submit(username: string, password: string): Promise<void> {
    await this.username.fill(username);
    await this.password.fill(password);
    await this.page.locator('button[name=action][value=login]').click();
  }

  async cancel(): Promise<void> {
    await this.page.locator('button[name=action][value=cancel]').click();
  }
}
