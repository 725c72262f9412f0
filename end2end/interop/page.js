// A page as its author would write it with oidc-client-ts, the client that most applications use.
/* global oidc */

const settings = await (await fetch('/settings.json')).json();
const manager = new oidc.UserManager({
  ...settings,
  userStore: new oidc.WebStorageStateStore({ store: sessionStorage }),
  loadUserInfo: true,
  automaticSilentRenew: false,
  monitorSession: true,
});
manager.events.addUserSignedOut(() => show('signed out at the provider'));

/** Shows the stored user and what happened last; errors are shown, not thrown. */
async function show(happened) {
  document.getElementById('user').textContent = JSON.stringify(await manager.getUser(), null, 2);
  document.getElementById('status').textContent = happened;
}

/** Lets a button do something and show how it ended. */
function on(id, happened, action) {
  document.getElementById(id).addEventListener('click', () =>
    action().then(
      () => show(happened),
      (error) => show(`error: ${error.message}`),
    ),
  );
}

on('signin', 'going', () => manager.signinRedirect());
on('renew', 'renewed', () => manager.signinSilent());
on('revoke', 'revoked', () => manager.revokeTokens());
on('signout', 'going', () => manager.signoutRedirect());

try {
  if (location.pathname === '/callback') {
    await manager.signinCallback();
    history.replaceState(null, '', '/');
    await show('signed in');
  } else if (location.pathname === '/signed-out') {
    await manager.signoutCallback();
    await show('signed out');
  } else {
    await show('ready');
  }
} catch (error) {
  await show(`error: ${error.message}`);
}
