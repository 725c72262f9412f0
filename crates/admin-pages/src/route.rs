//! The pages and their paths. Names of objects are one segment, percent-encoded.

use form_urlencoded::byte_serialize;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The overview.
    Overview,
    /// All users.
    Users,
    /// A user to add.
    NewUser,
    /// The user with this `sub`.
    User(String),
    /// Invitations that wait.
    Invitations,
    /// All groups.
    Groups,
    /// The group of this name.
    Group(String),
    /// The directories whose users are managed.
    Directories,
    /// The users of the directory of this name.
    Directory(String),
    /// A user to add to the directory of this name.
    NewDirectoryUser(String),
    /// The user of the directory of this name who has this identifier.
    DirectoryUser(String, String),
    /// All clients.
    Clients,
    /// The client with this identifier.
    Client(String),
    /// Clients that registered themselves.
    RegisteredClients,
    /// All identity providers.
    IdentityProviders,
    /// An identity provider to add. Its path is none that a name could have.
    NewIdentityProvider,
    /// The identity provider of this name.
    IdentityProvider(String),
    /// Resources and scopes.
    Resources,
    /// Signing keys.
    Keys,
    /// Mails that wait.
    Outbox,
    /// The audit history, with these parameters of a search.
    Events(String),
    /// The configuration.
    Configuration,
    /// The provider sends people here after they have signed in.
    SignedIn,
    /// There is no such page.
    Missing,
}

impl Route {
    /// The page at a path with its query.
    pub fn parse(path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let rest =
            path.strip_prefix("/admin").filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let Some(rest) = rest else { return Self::Missing };
        let segments: Vec<&str> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
        let name = |segment: &str| decoded(segment);
        match segments[..] {
            [] => Self::Overview,
            ["users"] => Self::Users,
            ["new-user"] => Self::NewUser,
            ["users", sub] => Self::User(name(sub)),
            ["invitations"] => Self::Invitations,
            ["groups"] => Self::Groups,
            ["groups", group] => Self::Group(name(group)),
            ["directories"] => Self::Directories,
            ["directories", directory] => Self::Directory(name(directory)),
            ["directories", directory, "new-user"] => Self::NewDirectoryUser(name(directory)),
            ["directories", directory, "users", id] => {
                Self::DirectoryUser(name(directory), name(id))
            }
            ["clients"] => Self::Clients,
            ["clients", client] => Self::Client(name(client)),
            ["registered-clients"] => Self::RegisteredClients,
            ["identity-providers"] => Self::IdentityProviders,
            ["new-identity-provider"] => Self::NewIdentityProvider,
            ["identity-providers", provider] => Self::IdentityProvider(name(provider)),
            ["resources"] => Self::Resources,
            ["keys"] => Self::Keys,
            ["outbox"] => Self::Outbox,
            ["events"] => Self::Events(query.to_owned()),
            ["configuration"] => Self::Configuration,
            ["signed-in"] => Self::SignedIn,
            _ => Self::Missing,
        }
    }

    /// Its path.
    pub fn path(&self) -> String {
        match self {
            Self::Overview | Self::SignedIn | Self::Missing => "/admin".to_owned(),
            Self::Users => "/admin/users".to_owned(),
            Self::NewUser => "/admin/new-user".to_owned(),
            Self::User(sub) => format!("/admin/users/{}", encoded(sub)),
            Self::Invitations => "/admin/invitations".to_owned(),
            Self::Groups => "/admin/groups".to_owned(),
            Self::Group(group) => format!("/admin/groups/{}", encoded(group)),
            Self::Directories => "/admin/directories".to_owned(),
            Self::Directory(name) => format!("/admin/directories/{}", encoded(name)),
            Self::NewDirectoryUser(name) => {
                format!("/admin/directories/{}/new-user", encoded(name))
            }
            Self::DirectoryUser(name, id) => {
                format!("/admin/directories/{}/users/{}", encoded(name), encoded(id))
            }
            Self::Clients => "/admin/clients".to_owned(),
            Self::Client(client) => format!("/admin/clients/{}", encoded(client)),
            Self::RegisteredClients => "/admin/registered-clients".to_owned(),
            Self::IdentityProviders => "/admin/identity-providers".to_owned(),
            Self::NewIdentityProvider => "/admin/new-identity-provider".to_owned(),
            Self::IdentityProvider(name) => format!("/admin/identity-providers/{}", encoded(name)),
            Self::Resources => "/admin/resources".to_owned(),
            Self::Keys => "/admin/keys".to_owned(),
            Self::Outbox => "/admin/outbox".to_owned(),
            Self::Events(query) if query.is_empty() => "/admin/events".to_owned(),
            Self::Events(query) => format!("/admin/events?{query}"),
            Self::Configuration => "/admin/configuration".to_owned(),
        }
    }

    /// The page of the navigation that it belongs to.
    pub fn section(&self) -> Self {
        match self {
            Self::User(_) | Self::NewUser => Self::Users,
            Self::Group(_) => Self::Groups,
            Self::Directory(_) | Self::NewDirectoryUser(_) | Self::DirectoryUser(..) => {
                Self::Directories
            }
            Self::Client(_) | Self::RegisteredClients => Self::Clients,
            Self::IdentityProvider(_) | Self::NewIdentityProvider => Self::IdentityProviders,
            Self::Events(_) => Self::Events(String::new()),
            other => other.clone(),
        }
    }
}

/// A text as one segment of a path.
pub fn encoded(text: &str) -> String {
    let text: String = byte_serialize(text.as_bytes()).collect();
    text.replace('+', "%20")
}

/// The text of a segment.
fn decoded(segment: &str) -> String {
    // A form would read a plus sign as a space.
    let pair = format!("x={}", segment.replace('+', "%2B"));
    let value = form_urlencoded::parse(pair.as_bytes()).next();
    value.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The query of these parameters, without those that are empty.
pub fn query(parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    query.finish()
}

/// The value of a parameter in a query.
pub fn parameter(query: &str, name: &str) -> String {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_back_to_its_page() {
        for route in [
            Route::Overview,
            Route::Users,
            Route::NewUser,
            Route::User("a/b c+d?e#f%2F\u{e4}".to_owned()),
            Route::Group("eu/sales:leads".to_owned()),
            Route::Directory("corp".to_owned()),
            Route::NewDirectoryUser("corp".to_owned()),
            Route::DirectoryUser("corp".to_owned(), "a/b".to_owned()),
            Route::Client("https://app.example/client".to_owned()),
            Route::RegisteredClients,
            Route::IdentityProviders,
            Route::NewIdentityProvider,
            Route::IdentityProvider("new".to_owned()),
            Route::Events("event=signed_in&sub=a%26b".to_owned()),
            Route::Configuration,
        ] {
            let path = route.path();
            assert_eq!(Route::parse(&path), route, "{path}");
        }
    }

    #[test]
    fn other_paths_are_no_pages() {
        for path in ["/", "/admin/nothing", "/admin/users/a/b", "/administration/x", "/adminusers"]
        {
            assert_eq!(Route::parse(path), Route::Missing, "{path}");
        }
        assert_eq!(Route::parse("/admin/"), Route::Overview);
        assert_eq!(Route::parse("/admin/signed-in?code=1&state=2"), Route::SignedIn);
    }

    #[test]
    fn a_query_has_what_is_given() {
        assert_eq!(query(&[("prefix", "a&b"), ("filter", "")]), "prefix=a%26b");
        assert_eq!(parameter("prefix=a%26b&x=1", "prefix"), "a&b");
        assert_eq!(parameter("", "prefix"), "");
    }
}
