//! A verified access token, and the rules for its claims. They are the same whether its signature
//! was verified or its issuer was asked about it.

use std::{collections::HashSet, sync::Arc};

use doorward_policy::{ACR_CLAIM, Principal, ROLE_CLAIM, SCOPE_CLAIM};
use doorward_protocol::claims::{Confirmation, numeric_date};
use serde_json::{Map, Value};

use crate::{ClaimPath, Clock, TokenError, TokenProfile};

/// How far `iat` may lie in the future, in seconds. `iat` does not limit how long a token is valid
/// (RFC 7519 section 4.1.6), so this keeps no token alive. It lets a token be used at once on a
/// machine whose clock is a little behind the issuer's.
const ISSUED_AT_TOLERANCE: i64 = 60;

/// The claims of an access token that an API uses itself. All of them, as the token has them, are
/// in [`Principal::claims`]. See [`AccessToken`] for an example.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenClaims {
    /// The issuer.
    pub iss: String,
    /// The user, or the client where there is no user.
    pub sub: String,
    /// The APIs that the token is for.
    pub aud: Vec<String>,
    /// When the token expires: seconds since 1970 (UTC).
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// When it becomes valid.
    pub nbf: Option<i64>,
    /// The client that asked for it, if the token says so.
    pub client_id: Option<String>,
    /// The token's identifier, if it has one.
    pub jti: Option<String>,
    /// The granted scope tokens.
    pub scope: Vec<String>,
    /// The key that the token is bound to. Without it the token is a bearer token.
    pub cnf: Option<Confirmation>,
}

/// An access token that was verified.
///
#[cfg_attr(feature = "test-util", doc = "```")]
#[cfg_attr(not(feature = "test-util"), doc = "```ignore")]
/// use std::sync::Arc;
///
/// use doorward_resource_server::{SystemClock, TokenValidator, test_util::TestIssuer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = TestIssuer::new("orders-api");
/// let clock = Arc::new(SystemClock::default());
/// let validator = TokenValidator::new(&issuer.settings(), clock)?;
///
/// let token = issuer.token("alice").role("admin").scope("orders.read").sign();
/// let token = validator.verify(&token).await?;
/// assert_eq!(token.claims().client_id.as_deref(), Some("test-client"));
/// assert_eq!(token.claims().scope, ["orders.read"]);
/// assert!(token.principal().has_role("admin"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AccessToken {
    claims: TokenClaims,
    principal: Principal,
}

/// What the tokens of one issuer must be.
#[derive(Debug, Clone)]
pub(crate) struct TokenRules {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) profile: TokenProfile,
    /// Where roles are found when the profile does not say.
    pub(crate) default_roles: Vec<ClaimPath>,
    /// Whether `acr` counts, where the profile does not say.
    pub(crate) default_acr: bool,
}

impl AccessToken {
    /// Reads claims that the issuer vouches for (RFC 9068 section 4).
    pub(crate) fn accept(all: Map<String, Value>, rules: &TokenRules) -> Result<Self, TokenError> {
        let claims = TokenClaims::read(&all, &rules.profile)?;
        // "The issuer identifier for the authorization server … MUST exactly match the value of
        // the iss claim."
        if claims.iss != rules.issuer {
            return Err(TokenError::WrongIssuer);
        }
        // "The resource server MUST validate that the aud claim contains a resource indicator
        // value corresponding to an identifier the resource server expects for itself."
        if !claims.aud.iter().any(|aud| rules.audiences.contains(aud)) {
            return Err(TokenError::WrongAudience);
        }
        // "The resource server MUST verify that the typ header value is at+jwt": where an issuer
        // has no such type, these claims tell its access tokens from its ID tokens.
        if !rules.profile.accepts_claims(&all) {
            return Err(TokenError::WrongType);
        }
        let principal = principal(all, &claims, rules)?;
        Ok(Self { claims, principal })
    }

    /// The claims that an API uses itself.
    pub fn claims(&self) -> &TokenClaims {
        &self.claims
    }

    /// The caller for whom the token was issued.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}

impl TokenClaims {
    /// Reads the claims where the profile finds them, as loosely as RFC 7519 allows: dates may have
    /// a fraction, the scope may be an array, and null is not a claim. Claims that no rule uses are
    /// not read at all.
    fn read(all: &Map<String, Value>, profile: &TokenProfile) -> Result<Self, TokenError> {
        let text = |paths: &[ClaimPath]| {
            let mut found = paths.iter().filter_map(|path| path.find(all)?.as_str());
            found.find(|text| !text.is_empty()).map(str::to_owned)
        };
        let all_of = |paths: &[ClaimPath]| {
            let mut seen = HashSet::new();
            let texts = paths.iter().flat_map(|path| path.values(all));
            texts.filter(|text| seen.insert(*text)).map(str::to_owned).collect::<Vec<_>>()
        };
        let date = |name: &'static str| match all.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => numeric_date(value).map(Some).ok_or(TokenError::InvalidClaim(name)),
        };
        let needed = TokenError::InvalidClaim;
        let jti = text(&[ClaimPath::name("jti")]);
        let client_id = text(&profile.client);
        if jti.is_none() && profile.requires_jti {
            return Err(needed("jti"));
        }
        if client_id.is_none() && profile.requires_client {
            return Err(needed("client_id"));
        }
        // The first that is there counts: a token for another API must not pass by its client.
        let is_there = |path: &&ClaimPath| path.find(all).is_some_and(|found| !found.is_null());
        let audience = profile.audience.iter().find(is_there).ok_or(needed("aud"))?;
        if !audience.find(all).is_some_and(|found| found.is_string() || found.is_array()) {
            return Err(needed("aud"));
        }
        let aud = all_of(std::slice::from_ref(audience));
        let scope = all_of(&profile.scope);
        let scope = scope.iter().flat_map(|text| text.split(' ')).filter(|token| !token.is_empty());
        Ok(Self {
            iss: text(&[ClaimPath::name("iss")]).ok_or(needed("iss"))?,
            sub: text(&profile.subject).ok_or(needed("sub"))?,
            aud,
            exp: date("exp")?.ok_or(needed("exp"))?,
            iat: date("iat")?.ok_or(needed("iat"))?,
            nbf: date("nbf")?,
            client_id,
            jti,
            scope: scope.map(str::to_owned).collect(),
            cnf: confirmation(all)?,
        })
    }
}

/// A `cnf` that can't be read is refused: ignoring it would make a bearer token of a bound one.
fn confirmation(all: &Map<String, Value>) -> Result<Option<Confirmation>, TokenError> {
    match all.get("cnf") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|_| TokenError::InvalidClaim("cnf")),
    }
}

/// The caller, with subject, client, scope and roles where policies look for them.
fn principal(
    mut all: Map<String, Value>,
    claims: &TokenClaims,
    rules: &TokenRules,
) -> Result<Principal, TokenError> {
    let is_only = |paths: &[ClaimPath], name: &'static str| paths == [ClaimPath::name(name)];
    let role_paths = rules.profile.roles.as_ref().unwrap_or(&rules.default_roles);
    if !is_only(role_paths, ROLE_CLAIM) {
        // A claim `role` that the profile does not name counts for nothing.
        let found = role_paths.iter().flat_map(|path| path.values(&all)).collect::<HashSet<_>>();
        let mut found = found.into_iter().map(str::to_owned).collect::<Vec<_>>();
        found.sort_unstable();
        all.insert(ROLE_CLAIM.to_owned(), found.into());
    }
    if !is_only(&rules.profile.scope, SCOPE_CLAIM) {
        all.insert(SCOPE_CLAIM.to_owned(), claims.scope.join(" ").into());
    }
    if !rules.profile.acr_counts.unwrap_or(rules.default_acr) {
        all.remove(ACR_CLAIM);
    }
    if let Some(client_id) = &claims.client_id {
        all.insert("client_id".to_owned(), client_id.as_str().into());
    }
    all.insert("sub".to_owned(), claims.sub.as_str().into());
    Principal::from_map(all).map_err(|_| TokenError::InvalidClaim("sub"))
}

/// The rules whose outcome depends on the time. They are checked for every request.
pub(crate) struct Times {
    /// In seconds.
    pub(crate) leeway: i64,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Times {
    pub(crate) fn check(&self, claims: &TokenClaims) -> Result<(), TokenError> {
        let now = self.clock.now();
        // "The current date/time MUST be before the expiration date/time" (RFC 7519 section
        // 4.1.4).
        if now >= claims.exp.saturating_add(self.leeway) {
            return Err(TokenError::Expired);
        }
        // "The current date/time MUST be after or equal to the not-before date/time" (section
        // 4.1.5). Many issuers write `nbf = iat`: that adds nothing, so only `iat` is checked.
        let delayed = claims.nbf.filter(|nbf| *nbf > claims.iat);
        if delayed.is_some_and(|nbf| nbf > now.saturating_add(self.leeway)) {
            return Err(TokenError::NotYetValid);
        }
        if claims.iat > now.saturating_add(ISSUED_AT_TOLERANCE) {
            return Err(TokenError::IssuedInFuture);
        }
        Ok(())
    }
}
