//! Demo mode: clients, users and resources to try everything with. `demo.toml` defines them as an
//! operator would.

use std::collections::HashSet;

use doorward_admin::{AdminRole, ROLE_CLAIM};
use doorward_provider::model::{configured_user::ConfiguredUser, user::normalized_username};
use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use url::Url;

use super::{SettingSources, file::ConfigFile, users};

const DEMO: &str = include_str!("demo.toml");
/// The demo user who may administer everything, if the administration is on.
pub const OWNER: &str = "alice";

/// Adds what the configuration does not define itself.
pub fn add_to(file: &mut ConfigFile) {
    let mut demo = read(file.app.url.as_str());
    if file.admin.enabled {
        let alice = demo.users.iter_mut().filter(|user| user.username == OWNER);
        let role = (ROLE_CLAIM.to_owned(), AdminRole::Owner.name().into());
        alice.for_each(|user| user.claims.extend([role.clone()]));
    }
    add(&mut file.api_scopes, demo.api_scopes, |scope| scope.name.clone());
    add(&mut file.api_resources, demo.api_resources, |api| api.name.clone());
    add(&mut file.clients, demo.clients, |client| client.client_id.clone());
    add(&mut file.users, demo.users, |user| normalized_username(&user.username));
}

/// The demo users, whose passwords everyone knows.
pub fn users() -> Vec<ConfiguredUser> {
    users::check(
        read("http://localhost:5001").users,
        true,
        &SettingSources::new(Figment::new(), None),
    )
    .unwrap_or_default()
}

fn add<T>(own: &mut Vec<T>, demo: Vec<T>, name: impl Fn(&T) -> String) {
    let taken: HashSet<String> = own.iter().map(&name).collect();
    own.extend(demo.into_iter().filter(|item| !taken.contains(&name(item))));
}

fn read(app: &str) -> ConfigFile {
    let text = DEMO.replace("ALIAS", &alias(app)).replace("APP", app);
    let file = Figment::from(Toml::string(&text)).extract();
    file.unwrap_or_else(|error| unreachable!("demo.toml is part of the source and tested: {error}"))
}

/// The same origin under the other name of this machine.
pub fn alias(app: &str) -> String {
    let Ok(mut url) = Url::parse(app) else { return app.to_owned() };
    let other = if url.host_str() == Some("localhost") { "127.0.0.1" } else { "localhost" };
    if url.set_host(Some(other)).is_err() {
        return app.to_owned();
    }
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use doorward_protocol::secret::Secret;

    use doorward_provider::model::configured_user::ConfiguredPassword;

    use super::*;

    #[test]
    fn each_demo_users_password_is_the_name() {
        let users = users();
        assert_eq!(users.len(), 5);
        for user in users {
            let ConfiguredPassword::Hash(hash) = user.password else {
                panic!("{} has a plain password", user.username)
            };
            assert!(hash.verify(&Secret::new(user.username.as_str())), "{}", user.username);
            assert_eq!(user.sub, user.username.as_str());
        }
    }

    #[test]
    fn the_application_is_reachable_by_both_names() {
        let file = read("http://localhost:5101");
        let page = file.clients.iter().find(|client| client.client_id == "PkceJS").unwrap();
        assert_eq!(page.allowed_cors_origins, ["http://localhost:5101", "http://127.0.0.1:5101"]);
        assert!(page.redirect_uris.iter().any(|uri| uri == "http://127.0.0.1:5101/popup"));
    }

    #[test]
    fn others_may_begin_a_sign_in_where_the_application_takes_it() {
        let file = read("http://localhost:5101");
        let page = file.clients.iter().find(|client| client.client_id == "PkceJS").unwrap();
        let address = format!("http://localhost:5101{}", doorward_app::INITIATE_LOGIN_PATH);
        assert_eq!(page.initiate_login_uri.as_ref(), Some(&address));
    }
}
