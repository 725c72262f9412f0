//! How the access tokens of one issuer look: which types are accepted, where the client, the scope
//! and the roles are found, and what keeps ID tokens out.
//!
//! RFC 9068 says all of that, and [`TokenProfile::default`] follows it. Many providers are older
//! than the RFC, and each writes its tokens in its own way.

mod claim_path;
mod presets;

use std::borrow::Cow;

use serde_json::{Map, Value};

pub use self::claim_path::{ClaimPath, InvalidClaimPath};

/// How the access tokens of one issuer look.
///
/// ```
/// use doorward_resource_server::{ClaimPath, TokenProfile};
///
/// // Tokens whose header says `JWT`, with the client in `azp` and roles in an object.
/// let profile = TokenProfile::jwt()
///     .with_client_at([ClaimPath::name("azp")])
///     .with_roles_at([ClaimPath::parse("/realm_access/roles")?]);
/// # Ok::<(), doorward_resource_server::InvalidClaimPath>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenProfile {
    /// The accepted values of the header `typ`, as media types without `application/`. The empty
    /// text accepts a token without `typ`.
    pub types: Vec<Cow<'static, str>>,
    /// Where the subject is found; the first that is there counts. Default: `sub`.
    pub subject: Vec<ClaimPath>,
    /// Where the client is found; the first that is there counts.
    pub client: Vec<ClaimPath>,
    /// Where the audience is found; the first that is there counts. Default: `aud`.
    pub audience: Vec<ClaimPath>,
    /// Where the scope is found; the values of all of them count. Default: `scope`.
    pub scope: Vec<ClaimPath>,
    /// Where the roles are found; the values of all of them count, and the members' names of an
    /// object. `None`: in `role` for the first issuer, and nowhere for any other, so that a second
    /// issuer can't give the roles of the first unless a setting says so.
    pub roles: Option<Vec<ClaimPath>>,
    /// Whether the claim `acr` counts. Its values are the issuer's own words, and another one may
    /// use the same for less. `None`: it counts for the first issuer, and not for any other, unless
    /// this says so. A claim that does not count is left out.
    pub acr_counts: Option<bool>,
    /// Whether a token without a client is refused.
    pub requires_client: bool,
    /// Whether a token without `jti` is refused.
    pub requires_jti: bool,
    /// Claims that must have one of these values.
    pub required: Vec<(ClaimPath, Vec<Cow<'static, str>>)>,
    /// Claims that access tokens of this issuer never have, and its ID tokens do.
    pub forbidden: Vec<ClaimPath>,
}

impl Default for TokenProfile {
    /// [`TokenProfile::rfc9068`].
    fn default() -> Self {
        Self::rfc9068()
    }
}

impl TokenProfile {
    /// Tokens as RFC 9068 defines them. The type `at+jwt` keeps ID tokens out (section 4).
    pub fn rfc9068() -> Self {
        Self {
            types: vec!["at+jwt".into()],
            subject: vec![ClaimPath::name("sub")],
            client: vec![ClaimPath::name("client_id")],
            audience: vec![ClaimPath::name("aud")],
            scope: vec![ClaimPath::name("scope")],
            roles: None,
            acr_counts: None,
            requires_client: true,
            requires_jti: true,
            required: Vec::new(),
            forbidden: Vec::new(),
        }
    }

    /// Tokens of the type `JWT`, or without a type, or of the type `at+jwt`.
    ///
    /// ID tokens may have that type, too. They are kept out by what they have and access tokens
    /// don't: `nonce`, `at_hash` or `c_hash` (OIDC Core sections 2 and 3.3.2.11), and by their
    /// audience, which is a client and not an API. So never use the name of an API as a client's
    /// name, or require a claim that only access tokens have.
    pub fn jwt() -> Self {
        Self {
            types: vec!["JWT".into(), "".into(), "at+jwt".into()],
            client: vec![ClaimPath::name("client_id"), ClaimPath::name("azp")],
            requires_client: false,
            requires_jti: false,
            forbidden: ["nonce", "at_hash", "c_hash"].map(ClaimPath::name).to_vec(),
            ..Self::rfc9068()
        }
    }

    /// Accepts these values of the header `typ`. The empty text accepts a token without it.
    #[must_use]
    pub fn with_types<T: Into<Cow<'static, str>>>(
        mut self,
        types: impl IntoIterator<Item = T>,
    ) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Finds the subject there. Name a claim that identifies one user of the issuer for ever.
    #[must_use]
    pub fn with_subject_at(mut self, paths: impl IntoIterator<Item = ClaimPath>) -> Self {
        self.subject = paths.into_iter().collect();
        self
    }

    /// Finds the client there.
    #[must_use]
    pub fn with_client_at(mut self, paths: impl IntoIterator<Item = ClaimPath>) -> Self {
        self.client = paths.into_iter().collect();
        self
    }

    /// Finds the scope there.
    #[must_use]
    pub fn with_scope_at(mut self, paths: impl IntoIterator<Item = ClaimPath>) -> Self {
        self.scope = paths.into_iter().collect();
        self
    }

    /// Finds the roles there, and so lets this issuer give roles.
    #[must_use]
    pub fn with_roles_at(mut self, paths: impl IntoIterator<Item = ClaimPath>) -> Self {
        self.roles = Some(paths.into_iter().collect());
        self
    }

    /// Refuses tokens in which the claim has none of these values.
    #[must_use]
    pub fn requiring<T: Into<Cow<'static, str>>>(
        mut self,
        path: ClaimPath,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.required.push((path, values.into_iter().map(Into::into).collect()));
        self
    }

    /// Refuses tokens that have the claim.
    #[must_use]
    pub fn forbidding(mut self, path: ClaimPath) -> Self {
        self.forbidden.push(path);
        self
    }

    /// Whether the header's `typ` is accepted (RFC 9068 section 4, RFC 7515 section 4.1.9).
    pub(crate) fn accepts_type(&self, typ: Option<&str>) -> bool {
        let typ = typ.unwrap_or_default();
        let typ = match typ.get(..12) {
            Some(prefix) if prefix.eq_ignore_ascii_case("application/") => &typ[12..],
            _ => typ,
        };
        self.types.iter().any(|accepted| accepted.eq_ignore_ascii_case(typ))
    }

    /// Whether the claims are those of an access token and not of an ID token.
    pub(crate) fn accepts_claims(&self, claims: &Map<String, Value>) -> bool {
        let is_there = |path: &ClaimPath| path.find(claims).is_some_and(|value| !value.is_null());
        let has_value = |(path, values): &(ClaimPath, Vec<Cow<'static, str>>)| {
            path.values(claims).iter().any(|found| values.iter().any(|value| value == found))
        };
        !self.forbidden.iter().any(is_there) && self.required.iter().all(has_value)
    }
}
