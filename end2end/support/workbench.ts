// The workbench of our client (`examples/workbench`): its server, and its page as the tests use it.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect, type Locator, type Page } from '@playwright/test';
import { serveFiles } from './static-server.ts';

/** Where `script/workbench` puts what it builds. */
const folder = process.env['WORKBENCH_ROOT'] ?? resolve(import.meta.dirname, '../../target/workbench');

/** Settings of our `UserManager`, and what `examples/workbench/src/lib.rs` has besides. */
export type Settings = Readonly<Record<string, unknown>>;

/** The user as the page shows it. */
export interface ShownUser {
  readonly id_token: string;
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly token_type: string;
  readonly scope: string;
  readonly session_state?: string;
  readonly profile: Readonly<Record<string, unknown>>;
}

/** What every page of this origin is set up with: windows come back to pages of their own. */
export function settingsOf(origin: string, authority: string, more: Settings = {}): Settings {
  return {
    authority,
    client_id: 'workbench',
    scope: 'openid profile offline_access MyBackendApi2',
    redirect_uri: `${origin}/callback`,
    post_logout_redirect_uri: `${origin}/callback`,
    popup_redirect_uri: `${origin}/popup`,
    popup_post_logout_redirect_uri: `${origin}/popup`,
    silent_redirect_uri: `${origin}/silent`,
    ...more,
  };
}

/** Serves the workbench on the port of `origin`; gives a function that stops it. */
export function serveWorkbench(origin: string, settings: Settings): Promise<() => Promise<void>> {
  const file = (type: string, name: string) => ({ type, body: () => readFile(`${folder}/${name}`) });
  const page = file('text/html; charset=utf-8', 'index.html');
  const child = file('text/html; charset=utf-8', 'child.html');
  return serveFiles(origin, {
    '/': page,
    '/callback': page,
    '/popup': child,
    '/silent': child,
    '/callback.js': file('text/javascript', 'callback.js'),
    '/workbench.js': file('text/javascript', 'workbench.js'),
    '/workbench_bg.wasm': file('application/wasm', 'workbench_bg.wasm'),
    '/settings.json': { type: 'application/json', body: async () => JSON.stringify(settings) },
  });
}

export class Workbench {
  readonly status: Locator;
  readonly events: Locator;

  constructor(
    readonly page: Page,
    readonly origin: string,
  ) {
    this.status = page.locator('#status');
    this.events = page.locator('#events li');
  }

  /** Opens the page, with other settings than the server has if some are given, and waits until it runs. */
  async open(settings?: Settings): Promise<void> {
    if (settings) await this.setUp(settings);
    await this.page.goto(this.origin);
    await expect(this.status).toHaveText('ready');
  }

  /** Gives the page other settings from its next load on, in all windows of its context. */
  async setUp(settings: Settings): Promise<void> {
    await this.page
      .context()
      .route(`${this.origin}/settings.json`, (route) => route.fulfill({ json: settings }));
  }

  /** Presses the button of an operation. */
  async press(operation: string): Promise<void> {
    await this.page.locator(`#${operation}`).click();
  }

  /** Presses the button of an operation and waits for what comes of it. */
  async pressAndExpect(operation: string, status: string | RegExp): Promise<void> {
    await this.press(operation);
    await expect(this.status).toHaveText(status);
  }

  /** Presses the button of an operation that opens a popup. */
  async popup(operation: string): Promise<Page> {
    const [popup] = await Promise.all([this.page.waitForEvent('popup'), this.press(operation)]);
    return popup;
  }

  /** The user on the page. */
  async user(): Promise<ShownUser> {
    return JSON.parse((await this.page.locator('#user').textContent()) ?? '') as ShownUser;
  }

  async expectNobody(): Promise<void> {
    await expect(this.page.locator('#user')).toHaveText('null');
  }
}
