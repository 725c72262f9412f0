//! Explains parameters, claims and headers in plain words, with the section that defines them.

/// The purpose of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// A sentence.
    pub meaning: &'static str,
    /// The specification and its section.
    pub source: &'static str,
}

/// Values that let anyone who has them act for the user or the client. They are shown only on
/// demand.
pub fn is_secret(name: &str) -> bool {
    matches!(
        name,
        "access_token"
            | "refresh_token"
            | "id_token"
            | "id_token_hint"
            | "token"
            | "code"
            | "code_verifier"
            | "client_secret"
            | "client_assertion"
            | "password"
            | "authorization"
            | "dpop"
    )
}

/// Whether a claim is a timestamp (RFC 7519 section 4.1, OIDC Core section 2).
pub fn is_time(name: &str) -> bool {
    matches!(name, "exp" | "iat" | "nbf" | "auth_time" | "updated_at")
}

/// The purpose of a parameter or header of a message.
pub fn parameter(name: &str) -> Option<Word> {
    find(PARAMETERS, name)
}

/// The meaning of a member of a token's header, or of a claim.
pub fn claim(name: &str) -> Option<Word> {
    find(CLAIMS, name)
}

/// The purpose of a check.
pub fn check(name: &str) -> Option<Word> {
    find(CHECKS, name)
}

fn find(table: &[(&str, &'static str, &'static str)], name: &str) -> Option<Word> {
    let row = table.iter().find(|(own, ..)| *own == name);
    row.map(|&(_, meaning, source)| Word { meaning, source })
}

/// Parameters and headers of messages.
const PARAMETERS: &[(&str, &str, &str)] = &[
    (
        "response_type",
        "What the provider sends back. “code” is a one-time code, so no token is in a URL.",
        "RFC 6749 section 3.1.1",
    ),
    (
        "client_id",
        "The application that asks, by its identifier at the provider.",
        "RFC 6749 section 2.2",
    ),
    (
        "redirect_uri",
        "Where the browser returns to. The provider compares it with the registered URLs.",
        "RFC 6749 section 3.1.2",
    ),
    (
        "scope",
        "What is requested: openid makes it a sign-in, offline_access requests a refresh \
            token, others name APIs.",
        "RFC 6749 section 3.3",
    ),
    (
        "state",
        "A random text that must come back unchanged. It proves that the answer belongs to a \
            request of this browser.",
        "RFC 6749 section 10.12",
    ),
    (
        "nonce",
        "A random text that the ID token must contain, so that a token of another sign-in is \
            refused.",
        "OIDC Core section 15.5.2",
    ),
    (
        "code_challenge",
        "The SHA-256 hash of a secret that stays in this browser until the code is redeemed.",
        "RFC 7636 section 4.2",
    ),
    (
        "code_challenge_method",
        "How the challenge was made from the verifier.",
        "RFC 7636 section 4.3",
    ),
    (
        "code_verifier",
        "The secret behind the challenge. Only the sender of the request knows it, so a stolen \
            code is useless.",
        "RFC 7636 section 4.5",
    ),
    (
        "code",
        "The one-time code. It is valid for about a minute and can be used once.",
        "RFC 6749 section 4.1.2",
    ),
    (
        "iss",
        "The issuer of the answer. It must be the provider that was asked, which protects \
            against mix-ups.",
        "RFC 9207 section 2",
    ),
    (
        "session_state",
        "A fingerprint of the session at the provider, to notice when it changes.",
        "OIDC Session Management section 2",
    ),
    (
        "grant_type",
        "What is exchanged for tokens: a code or a refresh token.",
        "RFC 6749 section 4.1.3",
    ),
    (
        "access_token",
        "Grants access to the API. It is meant for the API, not for this page.",
        "RFC 6749 section 1.4",
    ),
    (
        "refresh_token",
        "Gets the next access token without the user. Each can be used once and is then \
            replaced.",
        "RFC 6749 section 1.5",
    ),
    (
        "id_token",
        "Says who signed in, signed by the provider. It is meant for this page.",
        "OIDC Core section 2",
    ),
    (
        "token_type",
        "How to present the access token. Bearer means that anyone who has it may use it.",
        "RFC 6749 section 7.1",
    ),
    ("expires_in", "The lifetime of the access token, in seconds.", "RFC 6749 section 5.1"),
    ("resource", "Which API the tokens are for.", "RFC 8707 section 2"),
    (
        "response_mode",
        "How the answer is returned: in the query or in the fragment of the URL.",
        "OAuth 2.0 Multiple Response Types section 2.1",
    ),
    ("prompt", "Whether the provider may, or must, ask the user.", "OIDC Core section 3.1.2.1"),
    (
        "max_age",
        "The maximum time since the user authenticated, in seconds.",
        "OIDC Core section 3.1.2.1",
    ),
    (
        "acr_values",
        "How strong the sign-in should be, the best value first.",
        "OIDC Core section 3.1.2.1, RFC 9470 section 4",
    ),
    ("login_hint", "What to fill into the sign-in form.", "OIDC Core section 3.1.2.1"),
    ("ui_locales", "The languages that the user prefers.", "OIDC Core section 3.1.2.1"),
    ("request_uri", "A reference to a request that was pushed before.", "RFC 9126 section 2.2"),
    ("dpop_jkt", "Binds the code to a key of this browser.", "RFC 9449 section 10"),
    (
        "id_token_hint",
        "The ID token of the user who signs out, so that the provider need not ask.",
        "OIDC RP-Initiated Logout section 2",
    ),
    (
        "post_logout_redirect_uri",
        "Where the browser returns to after sign-out.",
        "OIDC RP-Initiated Logout section 2",
    ),
    ("token", "The token to be revoked.", "RFC 7009 section 2.1"),
    ("token_type_hint", "The kind of that token.", "RFC 7009 section 2.1"),
    ("error", "Why the provider refused, in one word.", "RFC 6749 section 4.1.2.1"),
    ("error_description", "The same for developers.", "RFC 6749 section 4.1.2.1"),
    ("authorization", "Presents the access token.", "RFC 6750 section 2.1"),
    ("dpop", "Proves possession of the key that the token is bound to.", "RFC 9449 section 4"),
    (
        "www-authenticate",
        "How to authenticate, or why the token was not accepted.",
        "RFC 6750 section 3",
    ),
    (
        "cache-control",
        "Whether caches may keep the answer. Tokens must never be kept.",
        "RFC 6749 section 5.1",
    ),
    ("content-type", "The format of the body.", "RFC 9110 section 8.3"),
    ("accept", "The formats that this page understands.", "RFC 9110 section 12.5.1"),
];

/// Members of a token's header, and claims.
const CLAIMS: &[(&str, &str, &str)] = &[
    ("alg", "The algorithm of the signature.", "RFC 7515 section 4.1.1"),
    ("kid", "Which of the provider's keys signed.", "RFC 7515 section 4.1.4"),
    ("typ", "What kind of token this is.", "RFC 7515 section 4.1.9"),
    ("iss", "Who issued the token.", "RFC 7519 section 4.1.1"),
    (
        "sub",
        "The user's identifier at this provider. No other claim identifies users reliably.",
        "RFC 7519 section 4.1.2",
    ),
    ("aud", "Who the token is for. All others must refuse it.", "RFC 7519 section 4.1.3"),
    ("exp", "When it expires.", "RFC 7519 section 4.1.4"),
    ("nbf", "It is not valid before this time.", "RFC 7519 section 4.1.5"),
    ("iat", "When it was issued.", "RFC 7519 section 4.1.6"),
    ("jti", "A name of this one token.", "RFC 7519 section 4.1.7"),
    ("azp", "The client that it was issued to.", "OIDC Core section 2"),
    ("nonce", "The random text of the request.", "OIDC Core section 2"),
    (
        "at_hash",
        "Half of the access token's hash: the two tokens belong together.",
        "OIDC Core section 3.1.3.6",
    ),
    ("auth_time", "When the user authenticated.", "OIDC Core section 2"),
    ("acr", "How strong the authentication was.", "OIDC Core section 2"),
    ("amr", "How the user authenticated: pwd is a password.", "RFC 8176 section 2"),
    ("sid", "The session at the provider.", "OIDC Front-Channel Logout section 3"),
    ("client_id", "The client that requested it.", "RFC 9068 section 2.2"),
    ("scope", "What it may be used for.", "RFC 9068 section 2.2.3"),
    ("cnf", "The key that the token is bound to.", "RFC 7800 section 3.1"),
    ("name", "The user's full name.", "OIDC Core section 5.1"),
    ("preferred_username", "The user's preferred name. It may change.", "OIDC Core section 5.1"),
    ("email", "The user's e-mail address.", "OIDC Core section 5.1"),
    ("role", "A role of the user, which the API's policies ask for.", "this provider"),
    ("department", "The user's department, which the API's policies ask for.", "this provider"),
];

/// What is checked.
const CHECKS: &[(&str, &str, &str)] = &[
    (
        "issuer",
        "The document must come from the provider that was asked.",
        "OIDC Discovery section 4.3",
    ),
    (
        "state",
        "The answer must belong to a request of this browser that was not answered before.",
        "RFC 6749 section 10.12",
    ),
    (
        "iss",
        "It must come from the provider that was asked.",
        "OIDC Core section 3.1.3.7, RFC 9207 section 2.4",
    ),
    (
        "alg",
        "The algorithm must be one that the provider announces. “none” is never accepted.",
        "OIDC Core section 3.1.3.7",
    ),
    (
        "signature",
        "The signature must be made with the provider's key over exactly this text.",
        "OIDC Core section 3.1.3.7",
    ),
    ("aud", "The token must be meant for this client.", "OIDC Core section 3.1.3.7"),
    ("azp", "The token must have been issued to this client.", "OIDC Core section 3.1.3.7"),
    ("exp", "It must not have expired, with a tolerance for clocks.", "OIDC Core section 3.1.3.7"),
    (
        "iat",
        "It must not be from the future, with a tolerance for clocks.",
        "OIDC Core section 3.1.3.7",
    ),
    ("auth_time", "The user must have authenticated recently enough.", "OIDC Core section 3.1.3.7"),
    ("nonce", "The token must belong to this request.", "OIDC Core section 3.1.3.7"),
    (
        "at_hash",
        "The access token must be the one that was issued with it.",
        "OIDC Core section 3.1.3.8",
    ),
    ("sub", "Userinfo must be about the user of the ID token.", "OIDC Core section 5.3.2"),
    (
        "unchanged",
        "A renewed token must be about the same user and sign-in as before.",
        "OIDC Core section 12.2",
    ),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_sign_in_sends_is_explained() {
        for name in [
            "response_type",
            "client_id",
            "redirect_uri",
            "scope",
            "state",
            "nonce",
            "code_challenge",
            "code_challenge_method",
            "code",
            "iss",
            "session_state",
            "grant_type",
            "code_verifier",
            "access_token",
            "refresh_token",
            "id_token",
            "token_type",
            "expires_in",
            "authorization",
            "id_token_hint",
            "post_logout_redirect_uri",
        ] {
            let word = parameter(name).unwrap();
            assert!(word.meaning.ends_with('.') && word.source.contains("section"), "{name}");
        }
    }

    #[test]
    fn what_opens_something_is_secret_and_what_is_public_is_not() {
        assert!(
            ["code", "code_verifier", "access_token", "refresh_token", "id_token", "authorization"]
                .iter()
                .all(|name| is_secret(name))
        );
        assert!(
            !["client_id", "code_challenge", "scope", "redirect_uri", "iss"]
                .iter()
                .any(|name| is_secret(name))
        );
    }
}
