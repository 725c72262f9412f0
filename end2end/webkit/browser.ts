// A browser that is driven by WebDriver (https://www.w3.org/TR/webdriver2/), and its tabs: what the story needs of it.
import { expect } from '@playwright/test';
import { miniBrowser } from './driver.ts';

/** The member under which WebDriver names an element (section 12.1). */
const elementKey = 'element-6066-11e4-a52e-4f735466cecf';

/** What a page may lose between two commands. Whoever waits looks again. */
const passing = ['no such element', 'stale element reference', 'element not interactable'];

class WebDriverError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

/** A session of the driver: a browser without history and cookies. */
export class Browser {
  /** The tab to which commands go. */
  private current: string | undefined;

  private constructor(
    private readonly driver: string,
    private readonly session: string,
  ) {}

  static async open(driver: string): Promise<Browser> {
    const options = { binary: miniBrowser(), args: ['--automation'] };
    const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } };
    const { sessionId } = await ask<{ sessionId: string }>('POST', `${driver}/session`, { capabilities });
    return new Browser(driver, sessionId);
  }

  /** The tab that the browser opened with. */
  async firstTab(): Promise<Tab> {
    return new Tab(this, await this.command<string>('GET', 'window'));
  }

  async newTab(): Promise<Tab> {
    const { handle } = await this.command<{ handle: string }>('POST', 'window/new', { type: 'tab' });
    return new Tab(this, handle);
  }

  async close(): Promise<void> {
    await ask('DELETE', `${this.driver}/session/${this.session}`);
  }

  /** Brings a tab to the front. */
  async show(handle: string): Promise<void> {
    if (this.current === handle) return;
    await this.command('POST', 'window', { handle });
    this.current = handle;
  }

  /** Sends a command of the session. */
  command<T>(method: string, path: string, body?: unknown): Promise<T> {
    return ask<T>(method, `${this.driver}/session/${this.session}/${path}`, body);
  }
}

/** One tab. Elements are named by CSS selectors. */
export class Tab {
  constructor(
    private readonly browser: Browser,
    private readonly handle: string,
  ) {}

  async open(url: string): Promise<void> {
    await this.command('POST', 'url', { url });
  }

  async origin(): Promise<string> {
    return new URL(await this.command<string>('GET', 'url')).origin;
  }

  /** Clicks an element as soon as it is there. */
  async click(selector: string): Promise<void> {
    await this.once(selector, (element) => this.command('POST', `element/${element}/click`, {}));
  }

  /** Types a text in place of the one that is in a field. */
  async fill(selector: string, text: string): Promise<void> {
    await this.once(selector, async (element) => {
      await this.command('POST', `element/${element}/clear`, {});
      await this.command('POST', `element/${element}/value`, { text });
    });
  }

  async expectText(selector: string, text: string | RegExp): Promise<void> {
    const read = (element: string) => this.command<string>('GET', `element/${element}/text`);
    const seen = expect.poll(() => this.now(selector, read), { message: selector });
    await (typeof text === 'string' ? seen.toBe(text) : seen.toMatch(text));
  }

  async expectValue(selector: string, value: string): Promise<void> {
    const read = (element: string) => this.command<string>('GET', `element/${element}/property/value`);
    await expect.poll(() => this.now(selector, read), { message: selector }).toBe(value);
  }

  async expectVisible(selector: string): Promise<void> {
    await expect.poll(() => this.isVisible(selector), { message: selector }).toBe(true);
  }

  async expectHidden(selector: string): Promise<void> {
    await expect.poll(() => this.isVisible(selector), { message: selector }).not.toBe(true);
  }

  /** Whether the element is there; hidden or not. */
  async expectPresent(selector: string): Promise<void> {
    await expect.poll(() => this.now(selector, async () => true), { message: selector }).toBe(true);
  }

  private isVisible(selector: string): Promise<boolean | undefined> {
    return this.now(selector, (element) => this.command<boolean>('GET', `element/${element}/displayed`));
  }

  /** Does something with an element, once: when it is there and can be used. */
  private async once(selector: string, act: (element: string) => Promise<unknown>): Promise<void> {
    const done = () => this.now(selector, async (element) => (await act(element), true));
    await expect.poll(done, { message: selector }).toBe(true);
  }

  /** What comes of an element now; `undefined` if it is not there or not usable yet. */
  private async now<T>(selector: string, act: (element: string) => Promise<T>): Promise<T | undefined> {
    try {
      const query = { using: 'css selector', value: selector };
      const found = await this.command<Record<string, string>>('POST', 'element', query);
      return await act(found[elementKey] ?? '');
    } catch (error) {
      if (error instanceof WebDriverError && passing.includes(error.code)) return undefined;
      throw error;
    }
  }

  private async command<T>(method: string, path: string, body?: unknown): Promise<T> {
    await this.browser.show(this.handle);
    return this.browser.command<T>(method, path, body);
  }
}

/** Sends a command and gives its value. */
async function ask<T>(method: string, url: string, body?: unknown): Promise<T> {
  const answer = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { value } = (await answer.json()) as { value: unknown };
  if (answer.ok) return value as T;
  const { error, message } = value as { error: string; message: string };
  throw new WebDriverError(error, `${message} (${method} ${new URL(url).pathname})`);
}
