//! What differs from one place to another.

/// Settings of the application.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // Each is a variable of its own.
pub(crate) struct Settings {
    /// Where browsers find the application.
    pub(crate) origin: String,
    /// Where it listens: host and port, by default those of its origin. A proxy that speaks TLS
    /// may be before it.
    pub(crate) listen: String,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// The PEM file of the private key by which the client authenticates in place of its secret:
    /// P-256, for ES256.
    pub(crate) client_key: Option<String>,
    /// The key's name (`kid`) in the set that the provider knows.
    pub(crate) client_key_id: Option<String>,
    /// The algorithm that the client is registered with for ID tokens, as `RS256`. Without it,
    /// every algorithm of the provider is accepted.
    pub(crate) id_token_alg: Option<String>,
    pub(crate) scope: String,
    /// Where the demo API is.
    pub(crate) api: String,
    /// What `/call` asks with the user's token: one of the demo API, or a resource elsewhere.
    pub(crate) call: String,
    /// Where sessions are kept: `memory`, `sqlite:FILE`, `postgres://…`, or `cookie:KEY`.
    pub(crate) sessions: String,
    /// Whether authorization requests are pushed.
    pub(crate) pushes: bool,
    /// Whether the provider posts its responses as forms.
    pub(crate) posts: bool,
    /// Whether the provider signs its responses (JARM).
    pub(crate) signed: bool,
    /// Whether tokens are bound to a key, which is new at each start.
    pub(crate) binds_tokens: bool,
    /// Whether names are in userinfo only.
    pub(crate) loads_user_info: bool,
    /// Whether ID tokens that are also for others are refused, as FAPI 2.0 wants.
    pub(crate) one_audience: bool,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let text =
            |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        let origin = text("ORIGIN", "http://localhost:5001");
        let host = origin.split_once("://").map_or(&*origin, |(_, host)| host);
        let api = text("API", "http://localhost:5002");
        Self {
            listen: text("LISTEN", host),
            issuer: text("ISSUER", "http://localhost:6001"),
            client_id: text("CLIENT_ID", "PkceCodeBackend"),
            client_secret: text("CLIENT_SECRET", "secret"),
            client_key: std::env::var("CLIENT_KEY").ok(),
            client_key_id: std::env::var("CLIENT_KEY_ID").ok(),
            id_token_alg: std::env::var("ID_TOKEN_ALG").ok(),
            scope: text("SCOPE", "openid profile MyBackendApi2 offline_access"),
            call: text("CALL", &format!("{api}/api/DemoPolicyBased/Admin/Get")),
            api,
            sessions: text("SESSIONS", "memory"),
            pushes: text("PUSH", "0") == "1",
            posts: text("FORM_POST", "0") == "1",
            signed: text("JARM", "0") == "1",
            binds_tokens: text("DPOP", "0") == "1",
            loads_user_info: text("USER_INFO", "1") == "1",
            one_audience: text("ONE_AUDIENCE", "0") == "1",
            origin,
        }
    }
}
