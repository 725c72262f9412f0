//! Commands on a server elsewhere, by its admin API: `doorward --server URL …`.
//!
//! Whoever runs such a command signs in by the device flow (RFC 8628) as the client that `[admin]`
//! brings along. The tokens are in a file of this user alone ([`SignedIn`]). What a command prints
//! is printed by the same code as on the server's machine.

mod api;
mod device;
mod signed_in;

use std::{fmt, str::FromStr};

use doorward_protocol::host;
use url::{Origin, Url};

pub use self::api::{Answer, Page, RemoteServer};
use self::{device::Endpoints, signed_in::SignedIn};
use crate::command::CommandError;

/// Where a server is: its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl(Url);

/// `--server`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ServerArgument {
    /// Work on a server elsewhere by its admin API, where `doorward login` has signed in: the URL
    /// of the provider. docs/commands.md lists the commands that can.
    #[arg(long, value_name = "URL", global = true)]
    pub server: Option<ServerUrl>,
}

impl ServerUrl {
    /// The issuer: without a slash at the end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The URL of a path of the admin API, each part of it encoded. The API is at the root of the
    /// issuer's origin. Parts that are empty or mean a folder are refused: they would lead to
    /// another object, or to all of them.
    fn of_api(&self, path: &[&str]) -> Result<Url, CommandError> {
        if let Some(part) = path.iter().find(|part| matches!(**part, "" | "." | "..")) {
            return Err(CommandError::refused(format!(
                "{part:?} names nothing: give another name"
            )));
        }
        let mut url = self.0.clone();
        url.set_path(doorward_admin::api::BASE_PATH);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        Ok(url)
    }

    /// Whether it is on this machine.
    fn is_here(&self) -> bool {
        host::is_loopback(&self.0)
    }

    /// An address that the server told, if it is at the server itself: of its scheme, host and
    /// port. Tokens and users are sent nowhere else.
    fn own(&self, told: &str) -> Result<Url, CommandError> {
        let own = |url: &Url| {
            matches!(self.0.origin(), Origin::Tuple(..))
                && url.origin() == self.0.origin()
                && url.username().is_empty()
                && url.password().is_none()
        };
        Url::parse(told).ok().filter(own).ok_or_else(|| {
            CommandError::refused(format!(
                "{self} tells an address that is not its own: {told:?}. Don't use it"
            ))
        })
    }
}

impl FromStr for ServerUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let problem = "give the URL of the provider, like https://id.example.com; http is for this \
                       machine only";
        let url = Url::parse(text).map_err(|_| problem)?;
        let is_safe =
            url.scheme() == "https" || (url.scheme() == "http" && host::is_loopback(&url));
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if is_safe && is_plain { Ok(Self(url)) } else { Err(problem) }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Signs in at a server and keeps the tokens.
pub async fn login(server: &ServerUrl) -> Result<(), CommandError> {
    let http = api::client(server)?;
    let endpoints = Endpoints::of(&http, server).await?;
    let tokens = device::sign_in(&http, server, &endpoints).await?;
    let signed_in = SignedIn::of(server, &endpoints, tokens)?;
    signed_in.keep()?;
    eprintln!("You are signed in at {server}. \"doorward logout --server {server}\" ends it.");
    Ok(())
}

/// Revokes the tokens and forgets them.
pub async fn logout(server: &ServerUrl) -> Result<(), CommandError> {
    let Some(signed_in) = SignedIn::find(server)? else {
        return Err(CommandError::Missing(format!("you are not signed in at {server}")));
    };
    // Forgotten in any case: a server that does not answer must not keep the tokens here.
    signed_in::forget(server)?;
    let told = device::revoke(&api::client(server)?, &signed_in).await;
    told.map_err(|error| {
        CommandError::Missing(format!(
            "the tokens are removed here, but the server was not told: {error}"
        ))
    })?;
    eprintln!("You are signed out of {server}.");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_server_is_reached_by_https_or_on_this_machine() {
        for good in
            ["https://id.example.com", "https://id.example.com/sub/", "http://localhost:6001"]
        {
            let server: ServerUrl = good.parse().unwrap();
            assert_eq!(server.as_str(), good.trim_end_matches('/'));
        }
        for bad in [
            "id.example.com",
            "http://id.example.com",
            "ftp://localhost",
            "https://a:b@id.example.com",
            "https://id.example.com/?x",
        ] {
            assert!(bad.parse::<ServerUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn parts_of_a_path_are_encoded() {
        let server: ServerUrl = "https://id.example.com/sub".parse().unwrap();
        let url = server.of_api(&["users", "a/b c?", "factors"]).unwrap();
        let expected = "https://id.example.com/api/admin/v1/users/a%2Fb%20c%3F/factors";
        assert_eq!(url.as_str(), expected);
    }

    #[test]
    fn parts_that_would_lead_to_another_object_are_refused() {
        let server: ServerUrl = "https://id.example.com".parse().unwrap();
        for bad in ["", ".", ".."] {
            assert!(server.of_api(&["users", "a", "sessions", bad]).is_err(), "{bad:?}");
        }
        let url = server.of_api(&["users", "%2e%2e", "..."]).unwrap();
        assert!(url.path().ends_with("/users/%252e%252e/..."), "{url}");
    }

    #[test]
    fn only_addresses_of_the_server_itself_are_its_own() {
        let server: ServerUrl = "https://id.example.com/sub".parse().unwrap();
        for good in ["https://id.example.com/device", "https://id.example.com:443/sub/token"] {
            assert!(server.own(good).is_ok(), "{good}");
        }
        for bad in [
            "http://id.example.com/token",
            "https://id.example.com:8443/token",
            "https://id.example.com.evil.example/token",
            "https://id.example.com@evil.example/token",
            "https://a@id.example.com/token",
            "javascript:alert(1)",
            "/token",
            "",
        ] {
            assert!(server.own(bad).is_err(), "{bad}");
        }
    }
}
