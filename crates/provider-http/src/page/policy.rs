//! The headers that protect a page: its Content-Security-Policy and those that all pages share.

use std::collections::BTreeSet;

use axum::{
    http::{
        HeaderValue,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
        },
    },
    response::Response,
};
use url::Url;

/// Layer that keeps every response of the pages private and out of frames. A page that needs a
/// wider policy has already set its own.
pub(crate) async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert_with(|| PagePolicy::default().to_header());
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Not `no-referrer`: with it, browsers send `Origin: null` with our own forms.
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    response
}

/// Where the forms of a page may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Forms {
    /// To this provider only.
    #[default]
    ToProvider,
    /// To a client, by a redirect. Browsers apply `form-action` to every redirect after a
    /// submission, and a client may redirect to addresses that are not known here. So the policy
    /// has no such directive.
    ToClient,
}

/// What a page may load and where its forms may lead, beside its own style sheet and icon.
#[derive(Debug, Clone, Default)]
pub(crate) struct PagePolicy {
    forms: Forms,
    /// The source expression of the page's one script.
    script_hash: Option<String>,
    /// Whether the page loads the script of the passkeys, which asks this provider for questions.
    passkeys: bool,
    /// Origins of frames.
    frames: BTreeSet<String>,
    /// Origins of images.
    images: BTreeSet<String>,
}

impl PagePolicy {
    /// For a page with a form that ends in a redirect to a client.
    pub(crate) fn leading_to_client() -> Self {
        Self { forms: Forms::ToClient, ..Self::default() }
    }

    /// Allows the one script with this hash.
    pub(crate) fn with_script(self, hash: String) -> Self {
        Self { script_hash: Some(hash), ..self }
    }

    /// Allows the script of the passkeys, which is a file of this provider.
    pub(crate) fn with_passkeys(self, passkeys: bool) -> Self {
        Self { passkeys, ..self }
    }

    /// Allows the origin of an image, such as the logo of a client.
    pub(crate) fn with_image(self, uri: &str) -> Self {
        Self { images: origins([uri]), ..self }
    }

    /// Allows the origins of frames, not only their addresses: a client may redirect within its
    /// own origin.
    pub(crate) fn with_frames(self, uris: &[String]) -> Self {
        Self { frames: origins(uris.iter().map(String::as_str)), ..self }
    }

    /// The `Content-Security-Policy`.
    pub(crate) fn to_header(&self) -> HeaderValue {
        let mut images: Vec<&str> = vec!["'self'"];
        images.extend(self.images.iter().map(String::as_str));
        let mut directives = vec![
            "default-src 'none'".to_owned(),
            "style-src 'self'".to_owned(),
            format!("img-src {}", images.join(" ")),
        ];
        directives.extend(self.script_hash.as_ref().map(|hash| format!("script-src '{hash}'")));
        if self.passkeys {
            directives.push("script-src 'self'".to_owned());
            directives.push("connect-src 'self'".to_owned());
        }
        if !self.frames.is_empty() {
            let frames: Vec<&str> = self.frames.iter().map(String::as_str).collect();
            directives.push(format!("frame-src {}", frames.join(" ")));
        }
        if self.forms == Forms::ToProvider {
            directives.push("form-action 'self'".to_owned());
        }
        directives.push("base-uri 'none'".to_owned());
        directives.push("frame-ancestors 'none'".to_owned());
        HeaderValue::from_str(&directives.join("; "))
            .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
    }
}

/// The origins of these addresses, each once.
fn origins<'a>(addresses: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    addresses
        .into_iter()
        .filter_map(|uri| Url::parse(uri).ok())
        .map(|url| url.origin().ascii_serialization())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_policy_allows_inline_code_or_being_framed() {
        let scripts = [None, Some("sha256-abc".to_owned())];
        for (forms, script_hash) in [Forms::ToProvider, Forms::ToClient]
            .into_iter()
            .flat_map(|forms| scripts.clone().map(|script| (forms, script)))
        {
            let one = |origin: &str| BTreeSet::from([origin.to_owned()]);
            let with_script = script_hash.is_some();
            let policy = PagePolicy {
                forms,
                script_hash,
                passkeys: false,
                frames: one("https://a.example"),
                images: one("https://b.example"),
            };
            let header = policy.to_header();
            let text = header.to_str().unwrap_or_default();
            assert!(text.contains(" frame-src https://a.example;"));
            assert!(text.contains(" img-src 'self' https://b.example;"));
            assert!(
                text.starts_with("default-src 'none';") && text.contains("frame-ancestors 'none'")
            );
            assert!(!text.contains("unsafe"));
            assert_eq!(text.contains("form-action 'self'"), forms == Forms::ToProvider);
            assert_eq!(text.contains("script-src 'sha256-abc';"), with_script);
        }
    }
}
