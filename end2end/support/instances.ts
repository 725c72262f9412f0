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

/** For the stories of second factors, which throttle an address, too. */
export const factors: Configured = {
  config: 'factors.toml',
  app: 'http://localhost:5251',
  provider: 'http://localhost:6251',
};

/** The pages look like those of an operator, and of one client. */
export const branding: Configured = {
  config: 'branding.toml',
  app: 'http://localhost:5981',
  provider: 'http://localhost:6981',
};

/** The pages for administrators, with somebody of each role. They are served by the provider. */
export const admin: Configured = {
  config: 'admin.toml',
  app: 'http://localhost:5931',
  provider: 'http://localhost:6931',
};

/** The same in demo mode, where nobody has a second factor yet. */
export const adminDemo: Configured = {
  config: 'admin-step-up.toml',
  app: 'http://localhost:5933',
  provider: 'http://localhost:6933',
};

/** Users register, forget their passwords, and read the mails that demo mode keeps. */
export const accounts: Configured = {
  config: 'accounts.toml',
  app: 'http://localhost:5911',
  provider: 'http://localhost:6911',
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

/** Demo mode for the specs of the user's own page, which change and delete users. */
export const account: Configured = {
  config: 'account.toml',
  app: 'http://localhost:5881',
  provider: 'http://localhost:6881',
};

/** Every page of an account, with all that a provider can offer to its users. */
export const gallery: Configured = {
  config: 'gallery.toml',
  app: 'http://localhost:5991',
  provider: 'http://localhost:6991',
};

/** Users sign in with a provider that we did not write, at `upstream`. */
export const external: Configured & { readonly upstream: string } = {
  config: 'external.toml',
  app: 'http://localhost:5951',
  provider: 'http://localhost:6951',
  upstream: 'http://localhost:6952',
};

/** The same for the stories about linked accounts: an address that the other provider vouches for is believed. */
export const linked: Configured & { readonly upstream: string } = {
  config: 'linked.toml',
  app: 'http://localhost:5956',
  provider: 'http://localhost:6956',
  upstream: 'http://localhost:6957',
};

/**
 * Users sign in with a second Doorward, at `upstream`; its host has another name, since cookies know no ports. `client` is
 * where a server-rendered application answers.
 */
export const upstreamDoorward: Configured & { readonly upstream: Configured; readonly client: string } = {
  config: 'upstream-doorward.toml',
  app: 'http://localhost:5946',
  provider: 'http://localhost:6946',
  upstream: {
    config: 'upstream.toml',
    app: 'http://127.0.0.1:5947',
    provider: 'http://127.0.0.1:6947',
  },
  client: 'http://localhost:5948',
};

/** Users sign in with the password of a directory, which the specs start. */
export const directory: Configured = {
  config: 'directory.toml',
  app: 'http://localhost:5994',
  provider: 'http://localhost:6994',
};

/** A server-rendered application, at `client`, with a provider of ours. */
export const serverSide: Configured & { readonly client: string } = {
  config: 'server-side.toml',
  app: 'http://localhost:5921',
  provider: 'http://localhost:6921',
  client: 'http://localhost:5922',
};

/** The same with a provider that we did not write. */
export const foreignServerSide: Origins & { readonly client: string } = {
  app: 'http://localhost:5923',
  provider: 'http://localhost:6923',
  client: 'http://localhost:5923',
};

/**
 * A server-rendered application as two processes with one store of sessions: the first at its origin `client`, and the
 * `second` beside it. For browsers both are one host, so that they get the same cookies. `management` has the metrics.
 */
export const twoProcesses: Configured & {
  readonly client: string;
  readonly second: string;
  readonly management: string;
} = {
  config: 'two-processes.toml',
  app: 'http://localhost:5926',
  provider: 'http://localhost:6926',
  client: 'http://localhost:5927',
  second: 'http://localhost:5928',
  management: 'http://localhost:5929',
};

/** A Leptos application that the server renders, at `client`, with a provider of ours. */
export const leptosSsr: Configured & { readonly client: string } = {
  config: 'leptos-ssr.toml',
  app: 'http://localhost:5971',
  provider: 'http://localhost:6971',
  client: 'http://localhost:5972',
};

/** The same with a provider that we did not write. */
export const foreignLeptosSsr: Origins & { readonly client: string } = {
  app: 'http://localhost:5973',
  provider: 'http://localhost:6973',
  client: 'http://localhost:5973',
};

/** A Leptos application with the tokens in the browser, at `client`, whose server functions verify them. */
export const leptosTokens: Configured & { readonly client: string } = {
  config: 'leptos-tokens.toml',
  app: 'http://localhost:5976',
  provider: 'http://localhost:6976',
  client: 'http://localhost:5977',
};

/**
 * Serves the workbench of the Leptos layer at `page`, and with tokens that are bound to a key at `boundPage`. `bank` is a
 * provider that we did not write, and `api` where an API answers as the tests say.
 */
export const leptosWorkbench: Configured & {
  readonly page: string;
  readonly boundPage: string;
  readonly bank: string;
  readonly api: string;
} = {
  config: 'leptos-workbench.toml',
  app: 'http://localhost:5936',
  provider: 'http://localhost:6936',
  page: 'http://localhost:5937',
  boundPage: 'http://localhost:5938',
  bank: 'http://localhost:6937',
  api: 'http://localhost:5939',
};

/** Where the templates `axum-server-side`, `axum-api` and `leptos-csr` answer. */
interface Templates extends Origins {
  readonly serverSide: string;
  readonly api: string;
  readonly page: string;
}

/** The templates with a provider of ours. */
export const templates: Configured & Templates = {
  config: 'templates.toml',
  app: 'http://localhost:5961',
  provider: 'http://localhost:6961',
  serverSide: 'http://localhost:5962',
  api: 'http://localhost:5963',
  page: 'http://localhost:5964',
};

/** The same with a provider that we did not write. */
export const foreignTemplates: Templates = {
  app: 'http://localhost:5968',
  provider: 'http://localhost:6966',
  serverSide: 'http://localhost:5966',
  api: 'http://localhost:5967',
  page: 'http://localhost:5968',
};

/**
 * Takes agents as clients. `tools` is the URL of the MCP server of `templates/mcp-server`, `callback` the redirect URI of
 * the agents, and `document` the URL of the document that describes one of them.
 */
export const agents: Configured & {
  readonly tools: string;
  readonly callback: string;
  readonly document: string;
} = {
  config: 'agents.toml',
  app: 'http://localhost:5891',
  provider: 'http://localhost:6891',
  tools: 'http://localhost:7891/mcp',
  callback: 'http://localhost:5892/callback',
  document: 'https://localhost:5893/agent.json',
};

/** The same tools with a provider that we did not write. */
export const foreignAgents: Origins & { readonly tools: string } = {
  app: 'http://localhost:5896',
  provider: 'http://localhost:6896',
  tools: 'http://localhost:7896/mcp',
};

/** For the story in the engine of Safari; `driver` is where its WebDriver answers. */
export const webkit: Configured & { readonly driver: string } = {
  config: 'webkit.toml',
  app: 'http://localhost:5985',
  provider: 'http://localhost:6985',
  driver: 'http://127.0.0.1:7985',
};

/** For the benchmark of sign-ins; `pages` are the origins of the pages with other clients. */
export const bench = {
  config: 'bench.toml',
  app: 'http://localhost:5941',
  provider: 'http://localhost:6941',
  pages: ['http://localhost:5942', 'http://localhost:5943'],
} as const;
