// Every page, in light and dark, on a desk and on a phone: nothing serious by axe, nothing wider than the screen.
// And the headers that keep the provider's pages from being framed, scripted or stored.
import { authorizeUrl } from '../support/authorize.ts';
import { everyLook, expectAccessible } from '../support/inspection.ts';
import { demo } from '../support/instances.ts';
import { expect, test } from '../support/test.ts';
import { looks, views } from '../support/views.ts';

for (const look of everyLook) {
  const { colorScheme, viewport } = looks[look];
  test.describe(look, () => {
    test.use({ colorScheme, viewport });
    for (const [view, open] of Object.entries(views)) {
      test(`${view} is accessible and fits the screen`, async ({ page, expectConsoleError }) => {
        expectConsoleError(/status of (400|403|404)/);
        await open(page);
        await expectAccessible(page, view);
      });
    }
  });
}

test.describe('reduced motion', () => {
  test.use({ contextOptions: { reducedMotion: 'reduce' } });
  test('is respected', async ({ page }) => {
    await views['signed-out']?.(page);
    const running = await page.evaluate(
      () =>
        document
          .getAnimations()
          .filter(({ effect }) => Number(effect?.getComputedTiming().activeDuration ?? 0) > 10).length,
    );
    expect(running).toBe(0);
  });
});

test.describe("the provider's pages", () => {
  const pages: Record<string, string> = {
    login: authorizeUrl(),
    logout: `${demo.provider}/connect/endsession`,
    error: authorizeUrl({ client_id: 'nobody' }),
  };
  for (const [name, url] of Object.entries(pages)) {
    test(`${name} cannot be framed, scripted or stored, and leaks no address`, async ({ request }) => {
      const response = await request.get(url);
      expect(response.headers()['content-type']).toMatch(/^text\/html/);
      const headers = response.headers();
      const policy = parsePolicy(headers['content-security-policy'] ?? '');
      expect(policy.get('frame-ancestors')).toEqual(["'none'"]);
      expect(policy.get('default-src')).toEqual(["'none'"]);
      expect(policy.get('base-uri')).toEqual(["'none'"]);
      for (const source of policy.get('script-src') ?? []) {
        expect(source).not.toMatch(/^('unsafe-|\*|https?:|data:)/);
      }
      expect(headers['referrer-policy']).toMatch(/^(no-referrer|same-origin)$/);
      expect(headers['cache-control']).toContain('no-store');
      expect(headers['x-content-type-options']).toBe('nosniff');
      // The script of the passkeys is a file under the policy; nothing else is a script.
      const passkeys = /<script src="\/assets\/passkeys-[\w-]+\.js" defer><\/script>/;
      const markup = (await response.text()).replace(passkeys, '');
      expect(markup).not.toMatch(/<script\b|\son\w+=|javascript:/i);
    });
  }

  test('a frame of another origin stays empty', async ({ page, expectConsoleError }) => {
    expectConsoleError(/frame-ancestors|X-Frame-Options/);
    // An empty page: the application's own policy would refuse the frame before the provider is asked.
    await page.goto('about:blank');
    await page.evaluate((src) => {
      const frame = document.createElement('iframe');
      frame.src = src;
      document.body.append(frame);
    }, authorizeUrl());
    // Where a page forbids to be framed, Chromium shows an error of its own instead.
    await expect.poll(() => page.frames()[1]?.url()).toMatch(/^chrome-error:/);
    await expect(page.frameLocator('iframe').locator('input[name=password]')).toHaveCount(0);
  });
});

/** The directives of a Content-Security-Policy with their sources. */
function parsePolicy(header: string): Map<string, string[]> {
  const directives = header.split(';').map((directive) => directive.trim().split(/\s+/));
  return new Map(directives.map(([name = '', ...sources]) => [name, sources]));
}
