//! The token request, parsed.

use doorward_protocol::{params::Params, scope::Scope, secret::Secret};

use crate::{
    model::{device_code::DEVICE_CODE, token_handle::TokenHandle},
    use_case::error::TokenError,
};

/// A token request, parsed; nothing in it is verified yet.
#[derive(Debug)]
pub enum TokenRequest {
    /// `grant_type=authorization_code` (RFC 6749 section 4.1.3).
    AuthorizationCode {
        /// The code.
        code: TokenHandle,
        /// The redirect URI of the authorization request.
        redirect_uri: Option<String>,
        /// RFC 7636 section 4.5. Kept as text: a malformed one is an invalid grant like a wrong
        /// one.
        code_verifier: Option<Secret>,
        /// The APIs that the access token is to be for (RFC 8707 section 2.2).
        resources: Vec<String>,
    },
    /// `grant_type=refresh_token` (RFC 6749 section 6).
    RefreshToken {
        /// The token.
        refresh_token: TokenHandle,
        /// A narrower scope.
        scope: Option<Scope>,
        /// The APIs that the access token is to be for (RFC 8707 section 2.2).
        resources: Vec<String>,
    },
    /// `grant_type=client_credentials` (RFC 6749 section 4.4).
    ClientCredentials {
        /// The scope; all that the client may have where absent.
        scope: Option<Scope>,
        /// The APIs that the access token is to be for (RFC 8707 section 2.2).
        resources: Vec<String>,
    },
    /// `grant_type=password` (RFC 6749 section 4.3).
    Password {
        /// What the user typed.
        username: String,
        /// What the user typed.
        password: Secret,
        /// The scope; all that the client may have where absent.
        scope: Option<Scope>,
        /// The APIs that the access token is to be for (RFC 8707 section 2.2).
        resources: Vec<String>,
    },
    /// `grant_type=urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 section 3.4).
    DeviceCode {
        /// The code.
        device_code: TokenHandle,
        /// The APIs that the access token is to be for (RFC 8707 section 2.2).
        resources: Vec<String>,
    },
}

impl TokenRequest {
    /// `grant_type` as it is written.
    pub(super) fn grant_type(&self) -> &'static str {
        match self {
            Self::AuthorizationCode { .. } => "authorization_code",
            Self::RefreshToken { .. } => "refresh_token",
            Self::ClientCredentials { .. } => "client_credentials",
            Self::Password { .. } => "password",
            Self::DeviceCode { .. } => DEVICE_CODE,
        }
    }
}

/// The scope that a request names, if it does.
pub(crate) fn parse_scope(params: &Params) -> Result<Option<Scope>, TokenError> {
    match params.get("scope").map(str::parse::<Scope>) {
        None => Ok(None),
        Some(Ok(scope)) if !scope.is_empty() => Ok(Some(scope)),
        Some(_) => Err(TokenError::InvalidScope),
    }
}

impl TokenRequest {
    /// Reads the parameters of a token request.
    pub fn parse(params: &Params) -> Result<Self, TokenError> {
        let required = |name| params.get(name).ok_or(TokenError::Missing(name));
        let resources = params.get_all("resource").map(str::to_owned).collect();
        match required("grant_type")? {
            "authorization_code" => Ok(Self::AuthorizationCode {
                code: TokenHandle::parse(required("code")?),
                redirect_uri: params.get("redirect_uri").map(str::to_owned),
                code_verifier: params.get_secret("code_verifier"),
                resources,
            }),
            "refresh_token" => Ok(Self::RefreshToken {
                refresh_token: TokenHandle::parse(required("refresh_token")?),
                scope: parse_scope(params)?,
                resources,
            }),
            "client_credentials" => {
                Ok(Self::ClientCredentials { scope: parse_scope(params)?, resources })
            }
            "password" => Ok(Self::Password {
                username: required("username")?.to_owned(),
                password: Secret::new(required("password")?),
                scope: parse_scope(params)?,
                resources,
            }),
            DEVICE_CODE => Ok(Self::DeviceCode {
                device_code: TokenHandle::parse(required("device_code")?),
                resources,
            }),
            _ => Err(TokenError::UnsupportedGrantType),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::error::ErrorCode;

    use super::*;

    fn parse(body: &str) -> Result<TokenRequest, TokenError> {
        TokenRequest::parse(&Params::parse(body).unwrap())
    }

    /// RFC 6749 sections 4.1.3, 4.3.2, 4.4.2 and 6, and RFC 8628 section 3.4, the example bodies.
    #[test]
    fn reads_the_rfc_examples() {
        let code = "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA&redirect_uri=https%3A%2F%2Fclient%2Eexample%2Ecom%2Fcb";
        assert!(
            matches!(parse(code).unwrap(), TokenRequest::AuthorizationCode { redirect_uri: Some(uri), .. }
            if uri == "https://client.example.com/cb")
        );
        assert!(matches!(
            parse("grant_type=client_credentials").unwrap(),
            TokenRequest::ClientCredentials { scope: None, .. }
        ));
        assert!(matches!(parse("grant_type=password&username=johndoe&password=A3ddj3w").unwrap(),
            TokenRequest::Password { username, .. } if username == "johndoe"));
        assert!(matches!(
            parse("grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA").unwrap(),
            TokenRequest::RefreshToken { scope: None, .. }
        ));
        let device = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
            &device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS&client_id=1406020730";
        assert!(matches!(parse(device).unwrap(), TokenRequest::DeviceCode { .. }));
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
