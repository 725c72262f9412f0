//! What the application's page may do (Content Security Policy level 3).

/// The policy without the nonce, which differs for each response.
#[derive(Debug)]
pub struct ContentSecurityPolicy {
    before_nonce: String,
    after_nonce: String,
}

impl ContentSecurityPolicy {
    /// The page runs its own scripts and WebAssembly, and shows its own styles and images. It
    /// connects to its own origin and to these; while `cargo leptos watch` runs, also to that
    /// program. No page may frame it.
    pub fn new(connect_origins: &[String], watched_at: Option<&str>) -> Self {
        let own = ["'self'"];
        let others = connect_origins.iter().map(String::as_str).chain(watched_at);
        let connect = own.into_iter().chain(others).collect::<Vec<_>>().join(" ");
        Self {
            before_nonce: "default-src 'none'; script-src 'self' 'nonce-".to_owned(),
            after_nonce: format!(
                "' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
                 font-src 'self'; manifest-src 'self'; connect-src {connect}; \
                 form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
        }
    }

    /// The value of the header `Content-Security-Policy`.
    pub fn with_nonce(&self, nonce: &str) -> String {
        format!("{}{nonce}{}", self.before_nonce, self.after_nonce)
    }
}
