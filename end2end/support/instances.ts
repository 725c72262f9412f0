// The addresses of every server that the tests start. Each spec that needs special settings has its own
// configuration and its own ports, so that specs may run side by side.

/** Where one Doorward answers: the origin of the application and API, and that of the provider (its issuer). */
export interface Origins {
  readonly app: string;
  readonly provider: string;
}

/** A Doorward started with a file of `config/`. */
export interface Configured extends Origins {
  readonly config: string;
}

/** The demo mode: no configuration file, demo users and clients. Started once for all specs. */
export const demo: Origins = { app: 'http://localhost:5001', provider: 'http://localhost:6001' };

/** Access tokens that live for a few seconds. */
export const shortLives: Configured = {
  config: 'short-lives.toml',
  app: 'http://localhost:5101',
  provider: 'http://localhost:6101',
};

/** For the login specs: failed sign-ins throttle an address, which must not touch other specs. */
export const login: Configured = {
  config: 'login.toml',
  app: 'http://localhost:5201',
  provider: 'http://localhost:6201',
};

/** The provider runs as a process of its own here and is stopped while the application goes on. */
export const separate: Configured = {
  config: 'separate.toml',
  app: 'http://localhost:5301',
  provider: 'http://localhost:6301',
};

/** Serves a client that we did not write; `page` and `boundPage` are the origins of that client's pages. */
export const interop: Configured & { readonly page: string; readonly boundPage: string } = {
  config: 'interop.toml',
  app: 'http://localhost:5401',
  provider: 'http://localhost:6401',
  page: 'http://localhost:5402',
  boundPage: 'http://localhost:5403',
};

/** Serves openid-client in node; `client` is the origin of the web application that it plays. */
export const openidClient: Configured & { readonly client: string } = {
  config: 'openid-client.toml',
  app: 'http://localhost:5501',
  provider: 'http://localhost:6501',
  client: 'http://localhost:5502',
};

/** The same by the stricter rules. */
export const openidClientFapi: Configured & { readonly client: string } = {
  config: 'openid-client-fapi.toml',
  app: 'http://localhost:5503',
  provider: 'http://localhost:6503',
  client: 'http://localhost:5504',
};

/** The application and the API of a provider that we did not write. */
export const oidcProvider: Configured = {
  config: 'oidc-provider.toml',
  app: 'http://localhost:5601',
  provider: 'http://localhost:6601',
};

/** All tabs of the application share one user, with access tokens that live for a few seconds. */
export const sharedTabs: Configured = {
  config: 'shared-tabs.toml',
  app: 'http://localhost:5701',
  provider: 'http://localhost:6701',
};

/**
 * Serves the workbench of our client: `page` is on the provider's site, `foreignPage` on another one, so that frames of
 * the provider in it are third-party frames.
 */
export const workbench: Configured & { readonly page: string; readonly foreignPage: string } = {
  config: 'workbench.toml',
  app: 'http://localhost:5801',
  provider: 'http://localhost:6801',
  page: 'http://localhost:5802',
  foreignPage: 'http://127.0.0.1:5803',
};

/** The workbench, and our API, with a provider that we did not write. */
export const foreignWorkbench: Configured & { readonly page: string } = {
  config: 'workbench-foreign.toml',
  app: 'http://localhost:5804',
  provider: 'http://localhost:6804',
  page: 'http://localhost:5805',
};

/** The workbench with tokens that are bound to a key. */
export const boundWorkbench: Configured & { readonly page: string } = {
  config: 'workbench-bound.toml',
  app: 'http://localhost:5806',
  provider: 'http://localhost:6806',
  page: 'http://localhost:5807',
};

/** Provider, application and API as three processes, each with an origin of its own. */
export const threeOrigins: Configured & { readonly api: string } = {
  config: 'three-origins.toml',
  app: 'http://localhost:5841',
  api: 'http://localhost:5842',
  provider: 'http://localhost:6841',
};

/** Everything by https with a certificate for development; `management` answers by plain http. */
export const tls: Configured & { readonly management: string } = {
  config: 'tls.toml',
  app: 'https://localhost:5843',
  provider: 'https://localhost:6843',
  management: 'http://localhost:5844',
};

/** Everything on one port, the provider under a path. */
export const onePort: Configured = {
  config: 'one-port.toml',
  app: 'http://localhost:5845',
  provider: 'http://localhost:5845/id',
};

/** Access tokens that live for a few seconds, for the inspector to tell of their renewal. */
export const inspected: Configured = {
  config: 'inspected.toml',
  app: 'http://localhost:5871',
  provider: 'http://localhost:6871',
};
