// The single-page application as a user sees it, by the element ids that it promises to keep.
import { expect, type Locator, type Page, type Request, type Response } from '@playwright/test';
import { demo, type Origins } from './instances.ts';
import { LoginPage } from './login-page.ts';
import type { User } from './users.ts';

/** The path that the provider answers to: redirect URI and post-logout redirect URI. */
export const callbackPath = '/OpenId/Login/JS';

export class Application {
  readonly signIn: Locator;
  readonly signOut: Locator;
  readonly uid: Locator;
  readonly error: Locator;
  readonly results: Locator;
  readonly route: Locator;
  readonly callApi: Locator;
  readonly idToken: Locator;
  readonly accessToken: Locator;
  readonly refreshToken: Locator;
  readonly expiresAt: Locator;
  readonly loginPage: LoginPage;

  constructor(
    readonly page: Page,
    readonly origins: Origins = demo,
  ) {
    this.signIn = page.locator('#login');
    this.signOut = page.locator('#logout');
    this.uid = page.locator('#uid');
    this.error = page.locator('#error');
    this.results = page.locator('#results');
    this.route = page.locator('#api_route');
    this.callApi = page.locator('#api');
    this.idToken = page.locator('#id_token');
    this.accessToken = page.locator('#access_token');
    this.refreshToken = page.locator('#refresh_token');
    this.expiresAt = page.locator('#expires_at');
    this.loginPage = new LoginPage(page);
  }

  /** Opens the application and waits until its code runs. */
  async open(path = '/'): Promise<void> {
    await this.page.goto(this.origins.app + path);
    await this.expectRunning();
  }

  /** The page's code has taken over from the server's HTML. */
  async expectRunning(): Promise<void> {
    await expect(this.page.locator('[data-hydrated]')).toBeAttached();
  }

  async expectSignedOut(): Promise<void> {
    await this.expectRunning();
    await expect(this.signIn).toBeVisible();
    await expect(this.signOut).toBeHidden();
  }

  /** `shown` is the name that the page shows: `preferred_username`, `name` or `sub`. */
  async expectSignedInAs(user: string, shown = user): Promise<void> {
    await this.expectRunning();
    await expect(this.uid).toHaveText(shown);
    await expect(this.signOut).toBeVisible();
    await expect(this.signIn).toBeHidden();
  }

  /** From the signed-out page through the provider's login page and back. */
  async signInAs(user: User): Promise<void> {
    await this.signIn.click();
    await this.loginPage.expectOpen(this.origins.provider);
    await this.loginPage.submit(user, user);
    await this.expectSignedInAs(user);
  }

  /** The logged-out page leads back to the application, by itself or by its link. */
  async comeBackFromLogout(): Promise<void> {
    const link = this.page.locator(`a[href^="${this.origins.app}${callbackPath}"]`);
    await expect(link.or(this.signIn)).toBeVisible();
    if (await link.isVisible()) await link.click();
  }

  /** Chooses a route, calls it by the button, and gives the API's answer. */
  async call(route: string): Promise<Response> {
    await this.route.selectOption(route);
    const [response] = await Promise.all([
      this.page.waitForResponse((response) => new URL(response.url()).pathname === route),
      this.callApi.click(),
    ]);
    return response;
  }

  /**
   * Signs in as far as the callback URL, on which the application's code is kept from running. The code
   * may run from the next navigation on. Gives the callback URL.
   */
  async signInWithoutCallback(user: User): Promise<string> {
    const code = `${this.origins.app}/pkg/**`;
    await this.signIn.click();
    await this.loginPage.expectOpen(this.origins.provider);
    await this.page.route(code, (route) => route.abort());
    await this.loginPage.submit(user, user);
    await this.page.waitForURL((url) => url.pathname === callbackPath && url.searchParams.has('code'));
    await this.page.unroute(code);
    return this.page.url();
  }
}

/** Collects the token requests that a page makes, oldest first, optionally of one grant type. */
export function tokenRequests(page: Page, grantType?: string): Request[] {
  const requests: Request[] = [];
  page.on('request', (request) => {
    if (isTokenRequest(request, grantType)) requests.push(request);
  });
  return requests;
}

/** Whether a request asks the token endpoint for tokens, optionally by one grant type. */
export function isTokenRequest(request: Request, grantType?: string): boolean {
  if (request.method() !== 'POST' || !new URL(request.url()).pathname.endsWith('/token')) return false;
  return !grantType || new URLSearchParams(request.postData() ?? '').get('grant_type') === grantType;
}
