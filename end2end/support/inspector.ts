// The inspector of the application's page.
import { expect, type Locator, type Page } from '@playwright/test';

export class Inspector {
  readonly toggle: Locator;
  readonly steps: Locator;
  readonly empty: Locator;

  constructor(readonly page: Page) {
    this.toggle = page.locator('#inspector button[aria-controls=inspector_panel]');
    this.steps = page.locator('#inspector_steps > li');
    this.empty = page.locator('#inspector_empty');
  }

  /** Opens the panel and waits until it is filled. */
  async open(): Promise<void> {
    await this.toggle.click();
    await expect(this.page.locator('#inspector_steps')).toBeAttached();
  }

  /** The steps in order, by their kinds. */
  async kinds(): Promise<(string | null)[]> {
    return this.steps.evaluateAll((steps) => steps.map((step) => step.getAttribute('data-kind')));
  }

  /** The last step of a kind, opened. */
  async card(kind: string): Promise<Card> {
    const card = new Card(this.page.locator(`#inspector_steps > li[data-kind=${kind}]`).last());
    await card.open();
    return card;
  }
}

export class Card {
  readonly checks: Locator;
  readonly failedChecks: Locator;

  constructor(readonly root: Locator) {
    this.checks = root.locator('.check');
    this.failedChecks = root.locator('.check[data-state=failed]');
  }

  async open(): Promise<void> {
    const body = this.root.locator('.step-body');
    await expect(body).toBeAttached();
    if (!(await body.isVisible())) await this.root.locator('.step-summary').click();
    await expect(body).toBeVisible();
  }

  /** The row of a parameter; the first of that name, not one of a token's claims. */
  parameter(name: string): Locator {
    return this.root.locator(`.message > .parameters > .parameter[data-name="${name}"]`).first();
  }

  value(name: string): Locator {
    return this.parameter(name).locator(':scope > dd > .value, :scope > dd > .secret > .value');
  }

  /** Asks for a masked value. */
  async reveal(name: string): Promise<void> {
    await this.parameter(name).locator('.secret > summary').click();
  }
}
