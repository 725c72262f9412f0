//! The token request, parsed. Nothing in it is verified yet.

use doorward_protocol::{params::Params, scope::Scope, secret::Secret};

use crate::{
    model::{device_code::DEVICE_CODE, token_handle::TokenHandle},
    use_case::error::TokenError,
};

/// A token request.
#[derive(Debug)]
pub struct TokenRequest {
    /// What is exchanged for tokens.
    pub grant: GrantRequest,
    /// The APIs that the access token is to be for (RFC 8707 section 2.2).
    pub resources: Vec<String>,
}

/// What a client exchanges for tokens.
#[derive(Debug)]
pub enum GrantRequest {
    /// `grant_type=authorization_code` (RFC 6749 section 4.1.3).
    AuthorizationCode(SentCode),
    /// `grant_type=refresh_token` (RFC 6749 section 6).
    RefreshToken {
        /// The token.
        refresh_token: TokenHandle,
        /// A narrower scope.
        scope: Option<Scope>,
    },
    /// `grant_type=client_credentials` (RFC 6749 section 4.4).
    ClientCredentials {
        /// The scope. Without it the client asks for everything that it may have.
        scope: Option<Scope>,
    },
    /// `grant_type=password` (RFC 6749 section 4.3).
    Password {
        /// What the user typed.
        username: String,
        /// What the user typed.
        password: Secret,
        /// The scope. Without it the client asks for everything that it may have.
        scope: Option<Scope>,
    },
    /// `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 section 3.4).
    DeviceCode {
        /// The code.
        device_code: TokenHandle,
    },
}

/// What a client sends to redeem a code.
#[derive(Debug)]
pub struct SentCode {
    /// The code.
    pub code: TokenHandle,
    /// The redirect URI of the authorization request.
    pub redirect_uri: Option<String>,
    /// RFC 7636 section 4.5. It is kept as text, because a malformed verifier is an invalid grant
    /// like a wrong one.
    pub verifier: Option<Secret>,
}

impl GrantRequest {
    /// `grant_type` as it is written.
    pub(super) fn grant_type(&self) -> &'static str {
        match self {
            Self::AuthorizationCode(_) => "authorization_code",
            Self::RefreshToken { .. } => "refresh_token",
            Self::ClientCredentials { .. } => "client_credentials",
            Self::Password { .. } => "password",
            Self::DeviceCode { .. } => DEVICE_CODE,
        }
    }

    fn parse(params: &Params) -> Result<Self, TokenError> {
        let required = |name| params.get(name).ok_or(TokenError::Missing(name));
        match required("grant_type")? {
            "authorization_code" => Ok(Self::AuthorizationCode(SentCode {
                code: TokenHandle::parse(required("code")?),
                redirect_uri: params.get("redirect_uri").map(str::to_owned),
                verifier: params.get_secret("code_verifier"),
            })),
            "refresh_token" => Ok(Self::RefreshToken {
                refresh_token: TokenHandle::parse(required("refresh_token")?),
                scope: parse_scope(params)?,
            }),
            "client_credentials" => Ok(Self::ClientCredentials { scope: parse_scope(params)? }),
            "password" => Ok(Self::Password {
                username: required("username")?.to_owned(),
                password: Secret::new(required("password")?),
                scope: parse_scope(params)?,
            }),
            DEVICE_CODE => {
                Ok(Self::DeviceCode { device_code: TokenHandle::parse(required("device_code")?) })
            }
            _ => Err(TokenError::UnsupportedGrantType),
        }
    }
}

/// The grant type as a label of a metric. A label must have few values, and a client can send any.
pub fn grant_type_label(grant_type: Option<&str>) -> &'static str {
    match grant_type {
        Some("authorization_code") => "authorization_code",
        Some("refresh_token") => "refresh_token",
        Some("client_credentials") => "client_credentials",
        Some("password") => "password",
        Some(DEVICE_CODE) => "device_code",
        _ => "other",
    }
}

impl TokenRequest {
    /// Reads the parameters of a token request.
    pub fn parse(params: &Params) -> Result<Self, TokenError> {
        let grant = GrantRequest::parse(params)?;
        Ok(Self { grant, resources: params.get_all("resource").map(str::to_owned).collect() })
    }
}

/// The scope that a request names, if it names one.
pub(crate) fn parse_scope(params: &Params) -> Result<Option<Scope>, TokenError> {
    match params.get("scope").map(str::parse::<Scope>) {
        None => Ok(None),
        Some(Ok(scope)) if !scope.is_empty() => Ok(Some(scope)),
        Some(_) => Err(TokenError::InvalidScope),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::error::ErrorCode;

    use super::*;

    fn parse(body: &str) -> Result<GrantRequest, TokenError> {
        TokenRequest::parse(&Params::parse(body).unwrap()).map(|request| request.grant)
    }

    /// RFC 6749 sections 4.1.3, 4.3.2, 4.4.2 and 6, and RFC 8628 section 3.4, the example bodies.
    #[test]
    fn reads_the_rfc_examples() {
        let code = "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA\
            &redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb";
        assert!(matches!(
            parse(code).unwrap(),
            GrantRequest::AuthorizationCode(SentCode { redirect_uri: Some(uri), .. })
                if uri == "https://client.example.com/cb"
        ));
        assert!(matches!(
            parse("grant_type=client_credentials").unwrap(),
            GrantRequest::ClientCredentials { scope: None }
        ));
        assert!(matches!(parse("grant_type=password&username=johndoe&password=A3ddj3w").unwrap(),
            GrantRequest::Password { username, .. } if username == "johndoe"));
        assert!(matches!(
            parse("grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA").unwrap(),
            GrantRequest::RefreshToken { scope: None, .. }
        ));
        let device = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
            &device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS&client_id=1406020730";
        assert!(matches!(parse(device).unwrap(), GrantRequest::DeviceCode { .. }));
    }

    #[test]
    fn refuses_what_is_missing_or_unknown() {
        let code = |body| parse(body).unwrap_err().code();
        assert_eq!(code(""), ErrorCode::InvalidRequest);
        assert_eq!(code("grant_type="), ErrorCode::InvalidRequest);
        assert_eq!(code("grant_type=implicit"), ErrorCode::UnsupportedGrantType);
        assert_eq!(code("grant_type=authorization_code"), ErrorCode::InvalidRequest);
        assert_eq!(code("grant_type=refresh_token"), ErrorCode::InvalidRequest);
        assert_eq!(
            code("grant_type=urn:ietf:params:oauth:grant-type:device_code"),
            ErrorCode::InvalidRequest,
            "without its code"
        );
        assert_eq!(code("grant_type=password&username=a"), ErrorCode::InvalidRequest);
        assert_eq!(code("grant_type=client_credentials&scope=%22"), ErrorCode::InvalidScope);
    }
}
