// The workbench of the Leptos layer (`examples/leptos-workbench`): its server, and its page as the tests use it.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { serveFiles } from './static-server.ts';
import type { Settings } from './workbench.ts';

/** Where `script/templates` puts what it builds. */
const folder = resolve(import.meta.dirname, '../../target/templates/leptos-workbench');

/** The sign-ins of the page. */
export type Place = 'page' | 'shop' | 'bank';

/** Serves the page with these sign-ins on the port of `origin`; gives a function that stops it. */
export function serveLeptosWorkbench(
  origin: string,
  places: Partial<Record<Place, Settings>>,
): Promise<() => Promise<void>> {
  const file = (type: string, name: string) => ({ type, body: () => readFile(`${folder}/${name}`) });
  const metas = Object.entries(places).map(([name, settings]) => {
    const content = JSON.stringify(settings).replaceAll('&', '&amp;').replaceAll("'", '&#39;');
    return `<meta name="${name}" content='${content}'>`;
  });
  const index = async () => {
    const text = await readFile(`${folder}/index.html`, 'utf8');
    return text.replace('</head>', () => `${metas.join('')}</head>`);
  };
  const page = { type: 'text/html; charset=utf-8', body: index };
  return serveFiles(origin, {
    '/': page,
    '/callback': page,
    '/calendar': page,
    '/leptos-workbench.js': file('text/javascript', 'leptos-workbench.js'),
    '/leptos-workbench_bg.wasm': file('application/wasm', 'leptos-workbench_bg.wasm'),
  });
}

export class LeptosWorkbench {
  readonly api: Locator;
  readonly outcome: Locator;

  constructor(
    readonly page: Page,
    readonly origin: string,
  ) {
    this.api = page.locator('#api');
    this.outcome = page.locator('#outcome');
  }

  async open(): Promise<void> {
    await this.page.goto(this.origin);
  }

  /** The name of the user of a sign-in. */
  user(place: Place): Locator {
    return this.page.locator(`#${place} strong`);
  }

  /** The button of a sign-in with this text. */
  button(place: Place, text: string): Locator {
    return this.page.locator(`#${place}`).getByRole('button', { name: text, exact: true });
  }

  /** Presses the button of a kind of call to this address. */
  async press(operation: string, url: string): Promise<void> {
    await this.api.fill(url);
    await this.page.locator(`#${operation}`).click();
  }
}
