//! What becomes of claims of a provider that somebody has pasted.

use std::{fs::File, io::Read, path::Path};

use doorward_protocol::jws::UnverifiedJws;
use doorward_provider::{
    model::{
        claim_mapping::pointer_to, email::EmailAddress, external_identity::UpstreamUser,
        identity_provider::IdentityProvider,
    },
    use_case::upstream::unusable,
};
use serde_json::{Map, Value};

use super::super::{CommandError, findings::Finding};
use crate::{config::UpstreamConfig, provider::upstream};

/// The longest text that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Claims, and where they are from.
#[derive(Debug)]
pub struct Pasted {
    claims: Map<String, Value>,
    /// Whether they are those of a JWT.
    of_token: bool,
}

impl Pasted {
    /// Reads claims from a file, or from standard input if it is `-`.
    pub fn read(file: &Path) -> Result<Self, CommandError> {
        let unreadable =
            |error| CommandError::refused(format!("{} can't be read: {error}", file.display()));
        let source: Box<dyn Read> = if file == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            Box::new(File::open(file).map_err(unreadable)?)
        };
        let mut text = String::new();
        let length = source.take(LONGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
        if length as u64 > LONGEST {
            return Err(CommandError::refused("--claims takes at most 1 MiB"));
        }
        Self::parse(&text).map_err(CommandError::refused)
    }

    /// Reads a JSON object, or the payload of a JWT.
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let of_token = !text.starts_with('{');
        let claims = if of_token {
            let jws = UnverifiedJws::parse(text);
            jws.and_then(|jws| jws.unverified_claims()).map_err(|error| error.to_string())
        } else {
            serde_json::from_str(text).map_err(|error| error.to_string())
        };
        let claims = claims.map_err(|error| {
            format!(
                "--claims takes a JSON object of claims, or a JWT that is not encrypted: {error}"
            )
        })?;
        Ok(Self { claims, of_token })
    }

    /// What a sign-in with these claims would find and give.
    pub fn examine(&self, provider: &IdentityProvider, config: &UpstreamConfig) -> Vec<Finding> {
        let source = if self.of_token {
            "those of the JWT; its signature, times and audience are NOT checked"
        } else {
            "those of the JSON object"
        };
        let mut findings = vec![("claims", Ok(source.to_owned()))];
        let user = match upstream::user_of_claims(config, &self.claims) {
            Ok(user) => user,
            Err(error) => {
                findings.push(("identity", Err(error.to_string())));
                return findings;
            }
        };
        findings.push(("identity", identity(provider, &user)));
        findings.push(("new account", Ok(new_account(provider, &user))));
        let mapped = provider.claims.apply(&user.claims);
        findings.push(("mapping", Ok(Value::Object(mapped.claims.0).to_string())));
        for (claim, count) in mapped.left_out {
            let problem = format!(
                "{claim}: {count} values are left out: they are too many, too long, or none that \
                 a claim can have"
            );
            findings.push(("mapping", Err(problem)));
        }
        for (claim, why) in provider.claims.not_given(&user.claims) {
            findings.push(("not given", Ok(format!("{claim}: {why}"))));
        }
        let is_unread = |name: &&String| !provider.claims.reads(&pointer_to(name));
        let unread: Vec<_> = user.claims.keys().filter(is_unread).cloned().collect();
        if !unread.is_empty() {
            findings.push(("no rule reads", Ok(unread.join(", "))));
        }
        findings
    }
}

/// Who it is, or why nobody is signed in.
fn identity(provider: &IdentityProvider, user: &UpstreamUser) -> Result<String, String> {
    match unusable(provider, user) {
        Some(problem) => Err(problem),
        None => user.id().map(|id| id.to_string()).map_err(|error| error.to_string()),
    }
}

/// What an account would have that the sign-in makes.
fn new_account(provider: &IdentityProvider, user: &UpstreamUser) -> String {
    let name = user.text("preferred_username").or_else(|| user.text("name"));
    let name = name.unwrap_or_else(|| "(no name)".to_owned());
    let email = user.claims.get("email").and_then(Value::as_str).map(str::trim);
    let Some(email) = email.and_then(|email| EmailAddress::parse(email).ok()) else {
        return format!("{name}, without an address");
    };
    let verified = match (user.says_verified(), provider.is_trusted_for(&email)) {
        (false, _) => "not verified: the provider does not say email_verified: true",
        (true, false) => "not verified here: trusted_email_domains does not have its domain",
        (true, true) => "verified: the provider says so, and is believed for the domain",
    };
    format!("{name}, with the address {}, {verified}", email.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::base64url;
    use serde_json::json;

    use super::*;
    use crate::config::load_for_tests;

    const CONFIG: &str = r#"
        [[identity_providers]]
        name = "company"
        issuer = "https://id.company.example"
        client_id = "doorward"
        client_secret = "secret"
        trusted_email_domains = ["company.example"]
        claims = [
          { claim = "role", from = "/roles", only = ["editor"] },
          { claim = "role", value = "staff", when = [{ pointer = "/groups", contains = "all" }] },
          { claim = "department", from = "/unit" },
        ]
    "#;

    fn claims() -> Value {
        json!({
            "iss": "https://id.company.example", "sub": "1", "preferred_username": "ada",
            "email": "ada@company.example", "email_verified": true,
            "roles": ["editor", "owner"], "unit": ["IT", "x".repeat(300)],
        })
    }

    fn told(text: &str) -> Vec<String> {
        let config = load_for_tests(CONFIG);
        let provider = &config.provider.settings.identity_providers[0];
        let findings = Pasted::parse(text).unwrap().examine(provider, &config.provider.upstream[0]);
        let line = |(what, finding): Finding| match finding {
            Ok(text) => format!("{what}: {text}"),
            Err(problem) => format!("PROBLEM {what}: {problem}"),
        };
        findings.into_iter().map(line).collect()
    }

    #[test]
    fn a_token_is_mapped_without_a_look_at_its_signature() {
        let part = |value: &Value| base64url::encode(value.to_string());
        let token = format!("{}.{}.AAAA", part(&json!({"alg": "RS256"})), part(&claims()));
        let expected = [
            "claims: those of the JWT; its signature, times and audience are NOT checked",
            "identity: 1 at https://id.company.example",
            "new account: ada, with the address ada@company.example, verified: the provider says \
             so, and is believed for the domain",
            r#"mapping: {"department":"IT","role":["editor"]}"#,
            "PROBLEM mapping: department: 1 values are left out: they are too many, too long, or \
             none that a claim can have",
            r#"not given: role: these are not under only, or can't have the prefix: "owner""#,
            "not given: role: the condition on /groups is not met",
            "no rule reads: email, email_verified, iss, preferred_username, sub",
        ];
        assert_eq!(told(&token), expected);
    }

    #[test]
    fn claims_that_sign_nobody_in_are_told() {
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            told(&claims.to_string())
        };
        let foreign = with("iss", json!("https://evil.example"));
        assert!(foreign[1].starts_with("PROBLEM identity: the user is one of"), "{foreign:?}");
        let overage = with("_claim_names", json!({"groups": "src1"}));
        assert!(overage[1].contains("does not have the claim groups"), "{overage:?}");
        let nobody = with("sub", json!(7));
        assert_eq!(nobody.len(), 2, "{nobody:?}");
        assert!(nobody[1].contains("it has no sub"), "{nobody:?}");
        let unverified = with("email_verified", json!("true"));
        assert!(unverified[2].contains("does not say email_verified"), "{unverified:?}");
    }

    #[test]
    fn what_is_neither_claims_nor_a_token_is_refused() {
        for text in ["", "[]", "{", "\"a\"", "a.b.c", "a.b.c.d.e"] {
            let problem = Pasted::parse(text).unwrap_err();
            assert!(problem.contains("takes a JSON object of claims, or a JWT"), "{problem}");
        }
    }
}
