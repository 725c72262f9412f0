// A page is looked at in every look: nothing serious by axe, nothing wider than the screen. On request a picture is taken.
import { resolve } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { type Look, looks } from './views.ts';

const folder = resolve(import.meta.dirname, '../screenshots');
// For tests, both sizes and both colours are enough: four looks of a hundred pages take long.
export const everyLook: readonly Look[] = process.env['SCREENSHOTS']
  ? (Object.keys(looks) as Look[])
  : ['light', 'phone-dark'];
const images = resolve(import.meta.dirname, '../../docs/images');

/** Checks the page as it is on the screen. */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const found = serious.map(({ id, help, nodes }) => ({ id, help, at: nodes.map((node) => node.html) }));
  expect(found, name).toEqual([]);
  const overflow = await page.evaluate(() => {
    const root = document.documentElement;
    return root.scrollWidth - root.clientWidth;
  });
  expect(overflow, `${name}: horizontal overflow in pixels`).toBeLessThanOrEqual(0);
}

/** Looks at the page in each of the looks, and leaves it in the first. */
export async function lookAt(page: Page, name: string, wanted: readonly Look[] = everyLook): Promise<void> {
  // Nothing is hovered over, or on its way to another colour.
  await page.mouse.move(0, 0);
  for (const look of wanted) {
    const { colorScheme, viewport } = looks[look];
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(viewport);
    // Drawn with the fonts and colours of this look.
    await page.evaluate(() => document.fonts.ready);
    await page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
    await expectAccessible(page, `${name}, ${look}`);
    await takePicture(page, name, look);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(looks.light.viewport);
}

/** Takes a picture of the whole page, if pictures are asked for. */
export async function takePicture(page: Page, name: string, look: string): Promise<void> {
  if (!process.env['SCREENSHOTS']) return;
  await page.screenshot({ path: `${folder}/${name}-${look}.png`, fullPage: true });
}

/** Renews a picture of the documents, if that is asked for. */
export async function illustrate(page: Page, name: string, selector = 'body'): Promise<void> {
  if (process.env['SCREENSHOTS'] !== 'docs') return;
  const options = { path: `${images}/${name}.png`, animations: 'disabled' } as const;
  if (selector === 'body') await page.screenshot(options);
  else await page.locator(selector).screenshot(options);
}
