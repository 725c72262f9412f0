// The `test` of all specs: Playwright's, with the rule that a page logs no error that its test does not expect.
import { test as base, expect } from '@playwright/test';

interface Fixtures {
  /**
   * Names console errors that belong to the story, such as the browser's own line about an answer of 403.
   * All others fail the test.
   */
  expectConsoleError: (pattern: RegExp) => void;
}

export const test = base.extend<Fixtures>({
  expectConsoleError: [
    async ({ context }, use) => {
      const expected: RegExp[] = [];
      const errors: string[] = [];
      context.on('console', (message) => {
        if (message.type() === 'error') errors.push(`${message.location().url}: ${message.text()}`);
      });
      context.on('weberror', (error) => errors.push(String(error.error())));
      await use((pattern) => expected.push(pattern));
      const unexpected = errors.filter((error) => !expected.some((pattern) => pattern.test(error)));
      expect(unexpected, 'errors in the browser console').toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
