//! A client's settings as arguments: from a file, and one by one.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{
    super::{
        list_option::changed,
        settings_arguments::{assigned, from_file},
    },
    CommandError,
};

/// The only setting with a secret value.
const SECRETS: [(&str, &str); 1] = [("pair_wise_subject_salt", "a --file")];

/// Settings of a client: first those of the file, then the others.
#[derive(Debug, clap::Args)]
pub struct SettingsArguments {
    /// A file with the keys of a table `[[clients]]`: TOML, or JSON if its name ends with .json.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Any setting, with its value as in TOML. May be given several times. A secret belongs in the
    /// file.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// `client_name`: what users see.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    lists: Lists,
    /// A public client: `require_client_secret = false`.
    #[arg(long)]
    public: bool,
    /// Refresh tokens: `allow_offline_access = true`.
    #[arg(long)]
    offline_access: bool,
}

/// Each list may be replaced, added to, or taken from. Every option may be given several times; the
/// values of grant types and scopes may also stand between commas.
#[derive(Debug, clap::Args)]
struct Lists {
    /// `allowed_grant_types`, in place of those that are there.
    #[arg(long, value_delimiter = ',')]
    grant_types: Vec<String>,
    /// Add to `allowed_grant_types`.
    #[arg(long, value_delimiter = ',')]
    add_grant_type: Vec<String>,
    /// Remove from `allowed_grant_types`.
    #[arg(long, value_delimiter = ',')]
    remove_grant_type: Vec<String>,
    /// `redirect_uris`, in place of those that are there.
    #[arg(long)]
    redirect_uri: Vec<String>,
    /// Add to `redirect_uris`.
    #[arg(long)]
    add_redirect_uri: Vec<String>,
    /// Remove from `redirect_uris`.
    #[arg(long)]
    remove_redirect_uri: Vec<String>,
    /// `post_logout_redirect_uris`, in place of those that are there.
    #[arg(long)]
    post_logout_redirect_uri: Vec<String>,
    /// Add to `post_logout_redirect_uris`.
    #[arg(long)]
    add_post_logout_redirect_uri: Vec<String>,
    /// Remove from `post_logout_redirect_uris`.
    #[arg(long)]
    remove_post_logout_redirect_uri: Vec<String>,
    /// `allowed_scopes`, in place of those that are there.
    #[arg(long, value_delimiter = ',')]
    scopes: Vec<String>,
    /// Add to `allowed_scopes`.
    #[arg(long, value_delimiter = ',')]
    add_scope: Vec<String>,
    /// Remove from `allowed_scopes`.
    #[arg(long, value_delimiter = ',')]
    remove_scope: Vec<String>,
    /// `allowed_cors_origins`, in place of those that are there.
    #[arg(long)]
    cors_origin: Vec<String>,
    /// Add to `allowed_cors_origins`.
    #[arg(long)]
    add_cors_origin: Vec<String>,
    /// Remove from `allowed_cors_origins`.
    #[arg(long)]
    remove_cors_origin: Vec<String>,
}

/// Key, replacing values, added values and removed values of a list.
type ListChange<'a> = (&'static str, &'a [String], &'a [String], &'a [String]);

impl Lists {
    /// The change of each list.
    fn all(&self) -> [ListChange<'_>; 5] {
        [
            (
                "allowed_grant_types",
                &self.grant_types,
                &self.add_grant_type,
                &self.remove_grant_type,
            ),
            (
                "redirect_uris",
                &self.redirect_uri,
                &self.add_redirect_uri,
                &self.remove_redirect_uri,
            ),
            (
                "post_logout_redirect_uris",
                &self.post_logout_redirect_uri,
                &self.add_post_logout_redirect_uri,
                &self.remove_post_logout_redirect_uri,
            ),
            ("allowed_scopes", &self.scopes, &self.add_scope, &self.remove_scope),
            (
                "allowed_cors_origins",
                &self.cors_origin,
                &self.add_cors_origin,
                &self.remove_cors_origin,
            ),
        ]
    }

    fn apply(&self, settings: &mut Map<String, Value>) -> Result<(), CommandError> {
        for (key, replacing, added, removed) in self.all() {
            if replacing.is_empty() && added.is_empty() && removed.is_empty() {
                continue;
            }
            let present =
                if replacing.is_empty() { texts(settings, key) } else { replacing.into() };
            if let Some(absent) = removed.iter().find(|value| !present.contains(value)) {
                return Err(CommandError::Missing(format!("{key} does not contain {absent:?}")));
            }
            settings.insert(key.to_owned(), json!(changed(present, added, removed)));
        }
        Ok(())
    }
}

/// The texts of a list.
fn texts(settings: &Map<String, Value>, key: &str) -> Vec<String> {
    let values = settings.get(key).and_then(Value::as_array).into_iter().flatten();
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

impl SettingsArguments {
    /// Changes settings, which have their names in the configuration.
    pub(in crate::command) fn apply(
        &self,
        settings: &mut Map<String, Value>,
    ) -> Result<(), CommandError> {
        settings.extend(self.file.as_deref().map(from_file).transpose()?.unwrap_or_default());
        for assignment in &self.set {
            settings.extend(assigned(assignment, &SECRETS)?);
        }
        self.lists.apply(settings)?;
        if let Some(name) = &self.name {
            settings.insert("client_name".to_owned(), json!(name));
        }
        if self.public {
            settings.insert("require_client_secret".to_owned(), json!(false));
        }
        if self.offline_access {
            settings.insert("allow_offline_access".to_owned(), json!(true));
        }
        Ok(())
    }
}
