// The main story: sign in, look at the tokens, call the API, reload, sign out, sign in again.
import { Application } from '../support/application.ts';
import { demo } from '../support/instances.ts';
import { claimsOf } from '../support/jwt.ts';
import { expect, test } from '../support/test.ts';

test('alice signs in, calls the API, reloads, signs out and signs in again', async ({ page }) => {
  const app = new Application(page);

  await test.step('the page welcomes her, signed out', async () => {
    await app.open('/');
    await app.expectSignedOut();
  });

  await test.step('the provider asks for her password', async () => {
    await app.signIn.click();
    await app.loginPage.expectOpen(demo.provider);
    await app.loginPage.submit('alice', 'alice');
  });

  await test.step('the four rows show what she got', async () => {
    await app.expectSignedInAs('alice');
    const idToken = claimsOf((await app.idToken.textContent()) ?? '');
    expect(idToken).toMatchObject({ iss: demo.provider, aud: 'PkceJS', sub: 'alice' });
    const accessToken = claimsOf((await app.accessToken.textContent()) ?? '');
    expect(accessToken).toMatchObject({
      iss: demo.provider,
      sub: 'alice',
      client_id: 'PkceJS',
      department: 'Sales',
      email: 'alice@example.com',
    });
    expect([accessToken['aud']].flat()).toContain('MyBackendApi2');
    expect([accessToken['role']].flat()).toEqual(['admin']);
    await expect(app.refreshToken).toHaveText(/^\S{32,}$/);
    await expect(app.expiresAt).toContainText('UTC');
  });

  await test.step('the address bar keeps neither code nor state', async () => {
    expect(new URL(page.url()).search).toBe('');
  });

  await test.step('the API answers her', async () => {
    const response = await app.call('/api/DemoPolicyBased/Admin/Get');
    expect(response.status()).toBe(200);
    await expect(app.results).toContainText('200');
    await expect(app.results).toContainText((await response.json()).message);
  });

  await test.step('a reload keeps her signed in', async () => {
    await page.reload();
    await app.expectSignedInAs('alice');
  });

  await test.step('signing out ends both sessions and comes back', async () => {
    await app.signOut.click();
    await app.comeBackFromLogout();
    await app.expectSignedOut();
    await expect(app.error).toBeHidden();
  });

  await test.step('signing in again asks for the password', async () => {
    await app.signInAs('alice');
  });
});

test('the redirect URI is the same page', async ({ page }) => {
  const app = new Application(page);
  await app.open('/OpenId/Login/JS');
  await app.expectSignedOut();
  await app.signInAs('bob');
});

test('one build serves any provider: the page reads its settings when it starts', async ({ request }) => {
  const response = await request.get('/config.json');
  expect(response.ok()).toBe(true);
  expect(await response.json()).toMatchObject({
    authority: demo.provider,
    client_id: 'PkceJS',
    redirect_uri: `${demo.app}/OpenId/Login/JS`,
    post_logout_redirect_uri: `${demo.app}/OpenId/Login/JS`,
    scope: 'openid profile offline_access MyBackendApi2',
  });
});
