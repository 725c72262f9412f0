// Pictures of every page for people to look at: `npm run screenshots` writes them to `screenshots/`.
// `SCREENSHOTS=docs npx playwright test` renews the pictures in the README as well.
import { resolve } from 'node:path';
import { test } from '../support/test.ts';
import { looks, views } from '../support/views.ts';

const folder = resolve(import.meta.dirname, '../screenshots');
const images = resolve(import.meta.dirname, '../../docs/images');

for (const [look, { colorScheme, viewport }] of Object.entries(looks)) {
  test.describe(look, () => {
    test.use({ colorScheme, viewport, contextOptions: { reducedMotion: 'reduce' } });
    for (const [view, open] of Object.entries(views)) {
      test(view, async ({ page, expectConsoleError }) => {
        expectConsoleError(/status of (400|403|404)/);
        await open(page);
        await page.screenshot({ path: `${folder}/${view}-${look}.png`, fullPage: true });
        if (process.env['SCREENSHOTS'] === 'docs' && look === 'light') {
          if (view === 'api-answer')
            await page.screenshot({ path: `${images}/signed-in.png`, fullPage: true });
          if (view === 'inspector-steps') {
            await page.locator('#inspector').screenshot({ path: `${images}/inspector.png` });
          }
        }
      });
    }
  });
}
