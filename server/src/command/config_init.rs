//! `doorward config init`: a first configuration, for a provider with one page that signs in.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use url::{Origin, Url};

use super::CommandError;
use crate::{output::print, private_file};

/// What the first configuration says.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// The provider's URL, as browsers and applications will see it.
    #[arg(long, value_name = "URL", default_value = "http://localhost:6001")]
    issuer: Url,
    /// The address of the page that signs in, where the user is taken back to.
    #[arg(long, value_name = "URL", default_value = "http://localhost:5001/")]
    redirect_uri: Url,
    /// The address and port to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6001")]
    listen: SocketAddr,
    /// The file to write. It must not be there.
    #[arg(default_value = "doorward.toml")]
    file: PathBuf,
}

impl InitArguments {
    /// Writes the file.
    pub fn run(&self) -> Result<(), CommandError> {
        let file = &self.file;
        if file.exists() {
            return Err(CommandError::refused(format!(
                "{} is there already: name another file, or remove it",
                file.display()
            )));
        }
        let unique = std::process::id().to_string();
        private_file::create(file, &self.text()?, &unique).map_err(|error| {
            CommandError::refused(format!("{} can't be written: {error}", file.display()))
        })?;
        print(&format!("wrote {}. Next:\n{}", file.display(), next_steps(file)));
        Ok(())
    }

    fn text(&self) -> Result<String, CommandError> {
        let (issuer, redirect_uri) = (self.issuer.as_str(), self.redirect_uri.as_str());
        let (issuer, listen) = (issuer.trim_end_matches('/'), self.listen);
        let origin = match self.redirect_uri.origin() {
            origin @ Origin::Tuple(..) => origin.ascii_serialization(),
            Origin::Opaque(_) => {
                let problem = "--redirect-uri: give the http or https address of a page. An \
                               application with a scheme of its own is added by `client add`";
                return Err(CommandError::refused(problem));
            }
        };
        // An https issuer needs one of two things, and a proxy on this machine is the usual one.
        let proxies = if self.issuer.scheme() == "https" {
            "# A reverse proxy on this machine terminates TLS. Without one, set [tls] instead.\n\
             trusted_proxies = [\"127.0.0.1\"]\n"
        } else {
            ""
        };
        Ok(format!(
            r#"# The configuration of Doorward. `doorward.example.toml` explains every key.

[provider]
issuer = "{issuer}"
listen = "{listen}"
{proxies}
[[clients]]
client_id = "page"
client_name = "Our page"
require_client_secret = false
allowed_grant_types = ["authorization_code"]
redirect_uris = ["{redirect_uri}"]
post_logout_redirect_uris = ["{origin}/"]
allowed_cors_origins = ["{origin}"]
allowed_scopes = ["openid", "profile", "email", "my-api"]
allow_offline_access = true

[[api_scopes]]
name = "my-api"
display_name = "My API"

[[api_resources]]
name = "MyApi"
display_name = "My API"
scopes = ["my-api"]
user_claims = ["role", "email"]
"#
        ))
    }
}

fn next_steps(file: &Path) -> String {
    let file = file.display();
    format!(
        "  doorward config check --role provider --config {file}\n  \
         doorward user add NAME --config {file}\n  \
         doorward serve --role provider --config {file}\n"
    )
}
