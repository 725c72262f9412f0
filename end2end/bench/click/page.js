// The page of the benchmark as its author would write it with oidc-client-ts or oidc-client.js.
/* global oidc, Oidc */
const { UserManager } = globalThis.oidc ?? globalThis.Oidc;

const settings = await (await fetch('/settings.json')).json();
const manager = new UserManager({
  ...settings,
  redirect_uri: `${location.origin}/`,
  response_type: 'code',
  loadUserInfo: true,
  automaticSilentRenew: true,
});

document.getElementById('login').addEventListener('click', () => manager.signinRedirect());
if (new URLSearchParams(location.search).has('code')) {
  await manager.signinRedirectCallback();
  history.replaceState(null, '', '/');
}
const user = await manager.getUser();
document.getElementById('access_token').textContent = user?.access_token ?? '';
document.documentElement.dataset.auth = user ? 'signed-in' : 'signed-out';
