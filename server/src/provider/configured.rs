//! What an import of the configuration changes, for the audit history: users and clients can be
//! given rights by the file, too.

use std::collections::BTreeMap;

use doorward_admin::ChangeEvent;
use doorward_provider::{
    Provider,
    audit::{Actor, ActorKind, Outcome, Record},
    model::{configured_user::ConfiguredUser, password::PasswordHash, user::User},
    store::{Store, StoreError},
};
use serde_json::{Value, json};

/// Who makes these changes.
const ACTOR: &str = "configuration";

/// Configured users and clients, as the store has them at one time.
pub struct Configured {
    users: BTreeMap<String, Value>,
    clients: BTreeMap<String, Value>,
}

impl Configured {
    /// Reads them: the users who are configured now, and all clients that are.
    pub async fn read(store: &dyn Store, users: &[ConfiguredUser]) -> Result<Self, StoreError> {
        let mut found = BTreeMap::new();
        for user in users {
            if let Some(user) = store.user(&user.sub).await? {
                let mut value = audited(&user);
                // The record tells that it is another one, and leaves out which.
                value["password_hash"] =
                    json!(user.password_hash.as_ref().map(PasswordHash::as_str));
                found.insert(user.sub.to_string(), value);
            }
        }
        let clients = store.clients().await?.clients.into_iter();
        let clients = clients.filter(|client| client.configured);
        let clients =
            clients.map(|client| (client.client_id.to_string(), Value::Object(client.settings)));
        Ok(Self { users: found, clients: clients.collect() })
    }

    /// A record for each of them that is different by now.
    pub fn changed_to(self, now: Self) -> Vec<Record> {
        use ChangeEvent::{
            ClientAdded, ClientChanged, ClientRemoved, UserAdded, UserChanged, UserRemoved,
        };
        let events = [UserAdded, UserChanged, UserRemoved];
        let users =
            changes(events, self.users, now.users).map(|(sub, record)| record.on_user(&sub));
        let clients =
            changes([ClientAdded, ClientChanged, ClientRemoved], self.clients, now.clients)
                .map(|(client_id, record)| record.on("client_id", &client_id));
        users.chain(clients).collect()
    }
}

/// What was added, changed and removed, by name.
fn changes(
    [added, changed, removed]: [ChangeEvent; 3],
    mut before: BTreeMap<String, Value>,
    after: BTreeMap<String, Value>,
) -> impl Iterator<Item = (String, Record)> {
    let record = |event: ChangeEvent| {
        let actor = Actor::new(ActorKind::System, Some(ACTOR));
        Record::new(event.name(), Outcome::Succeeded, actor)
    };
    let mut all = Vec::new();
    for (name, now) in after {
        match before.remove(&name) {
            None => all.push((name, record(added).changing(None, Some(now)))),
            Some(was) if was != now => {
                all.push((name, record(changed).changing(Some(was), Some(now))));
            }
            Some(_) => {}
        }
    }
    let gone = before.into_iter();
    all.extend(gone.map(|(name, was)| (name, record(removed).changing(Some(was), None))));
    all.into_iter()
}

/// Writes records. What can't be written is logged, and the import stays.
pub async fn record(provider: &Provider, records: Vec<Record>) {
    for record in records {
        let event = record.event.clone();
        if let Err(error) = provider.audit().write(record).await {
            tracing::error!(%error, event, "it is in the log, but not in the audit history");
        }
    }
}

/// A user as the audit history keeps them: everything but the password.
pub fn audited(user: &User) -> Value {
    json!({
        "username": user.username, "enabled": user.enabled,
        "has_password": user.password_hash.is_some(), "claims": user.claims.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_has_a_record() {
        let at = |users: Value, clients: Value| Configured {
            users: serde_json::from_value(users).unwrap_or_default(),
            clients: serde_json::from_value(clients).unwrap_or_default(),
        };
        let before = at(
            json!({"ada": {"claims": {}, "password_hash": "a"}, "bob": 1}),
            json!({"page": 1, "gone": 2}),
        );
        let after = at(
            json!({"ada": {"claims": {"admin_role": "owner"}, "password_hash": "b"}, "bob": 1}),
            json!({"page": 1, "new": {"redirect_uris": ["https://app.example/"]}}),
        );
        let records = before.changed_to(after);
        let told: Vec<(&str, Option<&str>, Option<&str>)> = records
            .iter()
            .map(|record| {
                let object = record.object.as_ref().map(|object| object.name.as_str());
                (record.event.as_str(), record.sub.as_deref(), object)
            })
            .collect();
        let expected = [
            ("user_changed", Some("ada"), None),
            ("client_added", None, Some("new")),
            ("client_removed", None, Some("gone")),
        ];
        assert_eq!(told, expected);
        let after = &records[0].data.parts()["after"];
        assert_eq!(after["claims"]["admin_role"], "owner");
        assert_eq!(after["password_hash"], "(left out)");
    }
}
