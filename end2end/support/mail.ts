// The mails that demo mode keeps, as a person reads them.
import { expect, type Page } from '@playwright/test';

/** Opens the latest mail to this address with this subject, once it has arrived. */
export async function openMail(
  page: Page,
  provider: string,
  address: string,
  subject: string | RegExp = /./,
): Promise<void> {
  const letters = page
    .getByRole('listitem')
    .filter({ hasText: address })
    .getByRole('link', { name: subject });
  await expect(async () => {
    await page.goto(`${provider}/demo/mail`);
    await expect(letters.first()).toBeVisible({ timeout: 2_000 });
  }).toPass();
  await letters.first().click();
  await expect(page.locator('.message')).toBeVisible();
}

/** Follows the link of the mail that is open. */
export async function followLink(page: Page): Promise<void> {
  await page.locator('.message a').first().click();
}
