//! Records: what the store keeps of an event.

use std::collections::HashSet;

use doorward_protocol::time::Timestamp;
use serde_json::{Map, Value, json};

/// The longest text of a column, in bytes. What is longer is cut: clients choose some of them.
const LONGEST_TEXT: usize = 512;
/// The longest [`Data`], in bytes, but for what decides.
const LONGEST_DATA: usize = 32 * 1024;
/// The longest [`Data`] with much that decides, in bytes. A request of the admin API has 64 KiB, so
/// what it takes away and what it adds has less.
const LONGEST_DECIDING: usize = 256 * 1024;
/// The longest member of a [`Data`] that would be longer, in bytes.
const LONGEST_MEMBER: usize = 512;

/// How an event ended. Those that somebody should look into are logged as warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// As it was asked for.
    Succeeded,
    /// The user said no.
    Denied,
    /// The provider said no.
    Refused,
    /// Something was used a second time, as a thief would: what was issued from it is revoked.
    Replayed,
    /// It was given up.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Succeeded, Self::Denied, Self::Refused, Self::Replayed, Self::Failed];

    /// The name, in the log and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Replayed => "replayed",
            Self::Failed => "failed",
        }
    }

    /// The outcome of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// What kind of actor does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A user; the name is the `sub`.
    User,
    /// A client; the name is the `client_id`, which a refused request may only pretend.
    Client,
    /// Who runs a command on the database; the name is what the environment calls the person.
    /// Whoever runs commands has the database and its keys, and so could write any name in any
    /// case.
    Operator,
    /// The provider itself.
    System,
    /// Somebody who has not said who they are.
    Anonymous,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::User, Self::Client, Self::Operator, Self::System, Self::Anonymous];

    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Client => "client",
            Self::Operator => "operator",
            Self::System => "system",
            Self::Anonymous => "anonymous",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// Which one, if that is known.
    pub name: Option<String>,
}

impl Actor {
    /// An actor of a kind with this name.
    pub fn new(kind: ActorKind, name: Option<&str>) -> Self {
        Self { kind, name: name.map(str::to_owned) }
    }
}

/// Members of a user, a group, a client or an identity provider that decide what somebody may do,
/// who it is, or where tokens go. They are never replaced by their length.
const DECIDES: [&str; 28] = [
    "admin_role",
    "enabled",
    "role",
    "roles",
    "groups",
    "email",
    "email_verified",
    "redirect_uris",
    "post_logout_redirect_uris",
    "front_channel_logout_uri",
    "back_channel_logout_uri",
    "initiate_login_uri",
    "request_uris",
    "allowed_scopes",
    "allowed_cors_origins",
    "identity_providers",
    "jwks",
    "jwks_uri",
    "sector_identifier_uri",
    "members",
    "claim_rules",
    "issuer",
    "metadata_url",
    "tenants",
    "first_sign_in",
    "trusted_email_domains",
    "mfa_acr",
    "subject_claim",
];

/// What something was done to, if not to a user: a client, a key, a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it is, as `client_id` or `group`.
    pub kind: String,
    /// Which one.
    pub name: String,
}

/// What an event says beside its columns: `details`, and `before` and `after` of a change. It is
/// kept as the text that was written, since the text is what is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data(String);

impl Default for Data {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

impl Data {
    /// Writes the parts that are there. Of a change there are the members that are different. A
    /// member of `before` and `after` whose name speaks of a secret is left out.
    ///
    /// If it is too much, lists have only what the other end does not have, and long members that
    /// decide nothing are replaced by their length. What decides is written however long it is: the
    /// limits of requests bound it.
    pub fn new(details: Map<String, Value>, before: Option<Value>, after: Option<Value>) -> Self {
        let mut parts = Map::new();
        if !details.is_empty() {
            parts.insert("details".to_owned(), Value::Object(details));
        }
        let (before, after) = match (before, after) {
            (Some(mut before), Some(mut after)) => {
                leave_equal_out(&mut before, &mut after);
                (Some(before), Some(after))
            }
            ends => ends,
        };
        for (name, part) in [("before", before), ("after", after)] {
            if let Some(mut part) = part {
                leave_secrets_out(&mut part);
                parts.insert(name.to_owned(), part);
            }
        }
        let mut all = Value::Object(parts);
        let text = all.to_string();
        if text.len() <= LONGEST_DATA {
            return Self(text);
        }
        let bytes = text.len();
        for shorten in [leave_common_out, shorten, keep_what_decides] {
            shorten(&mut all);
            let text = all.to_string();
            if text.len() <= LONGEST_DATA {
                return Self(text);
            }
        }
        let details = all.get_mut("details").map(Value::take).unwrap_or_default();
        let short = Some(details).filter(|details| details.to_string().len() <= LONGEST_MEMBER);
        let mut details = short.unwrap_or_else(|| json!({}));
        details["left_out"] = "too long".into();
        details["bytes"] = bytes.into();
        let mut parts = Map::from_iter([("details".to_owned(), details)]);
        for end in ["before", "after"] {
            let deciding = all.get_mut(end).map(Value::take).and_then(only_what_decides);
            parts.extend(deciding.map(|deciding| (end.to_owned(), deciding)));
        }
        let text = Value::Object(parts).to_string();
        if text.len() <= LONGEST_DECIDING {
            return Self(text);
        }
        Self(json!({"details": {"left_out": "too long", "bytes": bytes}}).to_string())
    }

    /// Takes the text out of the store.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text, for the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts as an object: `details`, `before`, `after`. Empty if the text was damaged.
    pub fn parts(&self) -> Map<String, Value> {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// Whether a member of this name holds a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // A pairwise salt, too: with it, who is behind a subject identifier can be tried out.
    ["password", "secret", "private", "salt"].iter().any(|mark| name.contains(mark))
}

/// Leaves the members out that are the same before and after. A list is one value.
fn leave_equal_out(before: &mut Value, after: &mut Value) {
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return };
    before.retain(|name, value| match after.get_mut(name) {
        Some(new) if new == value => {
            after.remove(name);
            false
        }
        Some(new) => {
            leave_equal_out(value, new);
            true
        }
        None => true,
    });
}

/// Leaves out of lists in `before` what the same list in `after` has, too, and the reverse.
fn leave_common_out(all: &mut Value) {
    let Value::Object(ends) = all else { return };
    let Some(mut before) = ends.get_mut("before").map(Value::take) else { return };
    if let Some(after) = ends.get_mut("after") {
        lists_without_common(&mut before, after);
    }
    ends.insert("before".to_owned(), before);
}

fn lists_without_common(before: &mut Value, after: &mut Value) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                if let Some(new) = after.get_mut(name) {
                    lists_without_common(value, new);
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            let texts = |list: &[Value]| list.iter().map(Value::to_string).collect::<HashSet<_>>();
            let (had, has) = (texts(before), texts(after));
            before.retain(|value| !has.contains(&value.to_string()));
            after.retain(|value| !had.contains(&value.to_string()));
        }
        _ => {}
    }
}

/// Replaces long texts and lists by their length, and long objects two levels below `before` and
/// `after`, so that a long one does not hide the others.
fn shorten(all: &mut Value) {
    shorten_below(all, 0);
}

fn shorten_below(value: &mut Value, level: u32) {
    /// `after`, then `settings`, then `claims` of a client.
    const LONGEST_OBJECT_LEVEL: u32 = 3;
    match value {
        Value::Object(members) if level < LONGEST_OBJECT_LEVEL => {
            for (name, member) in members {
                if !DECIDES.contains(&name.as_str()) {
                    shorten_below(member, level + 1);
                }
            }
        }
        Value::String(_) | Value::Array(_) | Value::Object(_) => {
            let bytes = value.to_string().len();
            if bytes > LONGEST_MEMBER {
                *value = Value::from(format!("(too long: {bytes} bytes)"));
            }
        }
        _ => {}
    }
}

/// Of each long object in `before` and `after`, such as the claims of a user, keeps only what
/// decides what somebody may do. Many short members hide nothing either.
fn keep_what_decides(all: &mut Value) {
    for end in ["before", "after"] {
        let Some(Value::Object(members)) = all.get_mut(end) else { continue };
        for member in members.values_mut() {
            let bytes = member.to_string().len();
            if let Value::Object(inner) = member
                && bytes > LONGEST_MEMBER
            {
                inner.retain(|name, _| DECIDES.contains(&name.as_str()));
                inner.insert("left_out".to_owned(), format!("of {bytes} bytes").into());
            }
        }
    }
}

/// The members that decide, those of the objects in it, and short ones if they are not many: the
/// settings of a client. `None` if there are none.
fn only_what_decides(end: Value) -> Option<Value> {
    const MOST_MEMBERS: usize = 200;
    let Value::Object(members) = end else { return None };
    let decides = |name: &str| DECIDES.contains(&name);
    let are_few = members.len() <= MOST_MEMBERS;
    let kept = members.into_iter().filter_map(|(name, member)| match member {
        member if decides(&name) => Some((name, member)),
        member if are_few && member.to_string().len() <= LONGEST_MEMBER => Some((name, member)),
        Value::Object(mut inner) => {
            inner.retain(|name, _| decides(name));
            (!inner.is_empty()).then_some((name, Value::Object(inner)))
        }
        _ => None,
    });
    let kept: Map<_, _> = kept.collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

fn leave_secrets_out(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if is_secret(name) && !member.is_null() && !member.is_boolean() {
                    *member = Value::from("(left out)");
                } else {
                    leave_secrets_out(member);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(leave_secrets_out),
        _ => {}
    }
}

/// An event for the store: who did what, on whom, from where, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What happened, as `signed_in`.
    pub event: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Who did it.
    pub actor: Actor,
    /// The user on whom it was done.
    pub sub: Option<String>,
    /// What else it was done to.
    pub object: Option<Object>,
    /// The client that took part.
    pub client_id: Option<String>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// The `User-Agent` of the request.
    pub user_agent: Option<String>,
    /// The request, as the log names it.
    pub request_id: Option<String>,
    /// What else there is to say.
    pub data: Data,
}

impl Record {
    /// A record without what is not known yet.
    pub fn new(event: &str, outcome: Outcome, actor: Actor) -> Self {
        Self {
            event: event.to_owned(),
            outcome,
            actor,
            sub: None,
            object: None,
            client_id: None,
            address: None,
            user_agent: None,
            request_id: None,
            data: Data::default(),
        }
    }

    /// About this user.
    #[must_use]
    pub fn on_user(self, sub: &str) -> Self {
        Self { sub: Some(sub.to_owned()), ..self }
    }

    /// About something else.
    #[must_use]
    pub fn on(self, kind: &str, name: &str) -> Self {
        Self { object: Some(Object { kind: kind.to_owned(), name: name.to_owned() }), ..self }
    }

    /// With what it was before the change and is after it; `None` where it was not, or is no more.
    #[must_use]
    pub fn changing(self, before: Option<Value>, after: Option<Value>) -> Self {
        Self { data: Data::new(Map::new(), before, after), ..self }
    }

    /// The record with texts that every store can hold: without control characters, and not too
    /// long.
    #[must_use]
    pub(crate) fn cleaned(self) -> Self {
        let clean = |text: Option<String>| text.map(cleaned);
        Self {
            event: cleaned(self.event),
            actor: Actor { name: clean(self.actor.name), ..self.actor },
            sub: clean(self.sub),
            object: self
                .object
                .map(|object| Object { kind: cleaned(object.kind), name: cleaned(object.name) }),
            client_id: clean(self.client_id),
            address: clean(self.address),
            user_agent: clean(self.user_agent),
            request_id: clean(self.request_id),
            ..self
        }
    }
}

fn cleaned(text: String) -> String {
    if text.len() <= LONGEST_TEXT && !text.contains(char::is_control) {
        return text;
    }
    let mut short = String::new();
    for char in text.chars().filter(|char| !char.is_control()) {
        if short.len() + char.len_utf8() > LONGEST_TEXT {
            break;
        }
        short.push(char);
    }
    short
}

/// A record with its identity, when it happened, and the code by which a change of it is noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampedRecord {
    /// Identifier, drawn at random.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub record: Record,
    /// HMAC over all of the above; see [`ChainKey`](super::ChainKey).
    pub mac: [u8; 32],
}

/// A record that the store keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRecord {
    /// Its number: unique, and greater than that of most earlier ones.
    pub number: i64,
    /// The record.
    pub stamped: StampedRecord,
    /// Its place in the chain; `None` for some seconds, until it is sealed.
    pub seal: Option<Seal>,
}

/// A record's place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Its position, counted from 1.
    pub position: i64,
    /// The record's number.
    pub number: i64,
    /// The link that ties it to the one before.
    pub link: [u8; 32],
}

impl KeptRecord {
    /// Where a list goes on after this record.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.stamped.at, number: self.number }
    }

    /// The record as an object, for people and for other programs. What is not known is left out.
    pub fn to_json(&self) -> Value {
        let StampedRecord { id, at, record, .. } = &self.stamped;
        let mut object = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(name.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(Value::from);
        put("id", Some(id.clone().into()));
        put("number", Some(self.number.into()));
        put("position", self.seal.map(|seal| seal.position.into()));
        put("at", Some(at.seconds().into()));
        put("event", Some(record.event.clone().into()));
        put("outcome", Some(record.outcome.as_str().into()));
        put("actor_kind", Some(record.actor.kind.as_str().into()));
        put("actor", text(&record.actor.name));
        put("sub", text(&record.sub));
        put("object_kind", record.object.as_ref().map(|object| object.kind.clone().into()));
        put("object", record.object.as_ref().map(|object| object.name.clone().into()));
        put("client_id", text(&record.client_id));
        put("address", text(&record.address));
        put("user_agent", text(&record.user_agent));
        put("request_id", text(&record.request_id));
        object.extend(record.data.parts());
        Value::Object(object)
    }
}

/// Where a list goes on: after the record with these values. The latest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// When it happened.
    pub at: Timestamp,
    /// Its number.
    pub number: i64,
}

/// A page of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundRecords {
    /// The records of the page, the latest first.
    pub records: Vec<KeptRecord>,
    /// Where the search goes on, if it has not come to its end. There may be nothing more.
    pub next: Option<Cursor>,
}

/// What is looked for. Each part that is given must be met exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Filter {
    pub event: Option<String>,
    pub outcome: Option<Outcome>,
    /// The name of the actor.
    pub actor: Option<String>,
    pub actor_kind: Option<ActorKind>,
    /// The user on whom it was done.
    pub sub: Option<String>,
    pub object_kind: Option<String>,
    pub object: Option<String>,
    pub client_id: Option<String>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
    /// From this timestamp on.
    pub from: Option<Timestamp>,
    /// Before this timestamp.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether a record is among those that are looked for.
    pub fn is_met_by(&self, stamped: &StampedRecord) -> bool {
        let StampedRecord { at, record, .. } = stamped;
        let is = |wanted: &Option<String>, text: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| text == Some(wanted))
        };
        let object = record.object.as_ref();
        is(&self.event, Some(&record.event))
            && self.outcome.is_none_or(|outcome| outcome == record.outcome)
            && is(&self.actor, record.actor.name.as_deref())
            && self.actor_kind.is_none_or(|kind| kind == record.actor.kind)
            && is(&self.sub, record.sub.as_deref())
            && is(&self.object_kind, object.map(|object| object.kind.as_str()))
            && is(&self.object, object.map(|object| object.name.as_str()))
            && is(&self.client_id, record.client_id.as_deref())
            && is(&self.address, record.address.as_deref())
            && is(&self.user_agent, record.user_agent.as_deref())
            && is(&self.request_id, record.request_id.as_deref())
            && self.from.is_none_or(|from| *at >= from)
            && self.until.is_none_or(|until| *at < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
        }
        for kind in ActorKind::ALL {
            assert_eq!(ActorKind::parse(kind.as_str()), Some(kind));
        }
    }

    #[test]
    fn secrets_are_left_out_of_changes() {
        let before = json!({"name": "a", "secrets": [{"value": "hunter2"}], "enabled": true});
        let after = json!({"inner": [{"Password_Hash": "x", "require_secret": false}]});
        let parts = Value::Object(Data::new(Map::new(), Some(before), Some(after)).parts());
        let expected = json!({
            "before": {"name": "a", "secrets": "(left out)", "enabled": true},
            "after": {"inner": [{"Password_Hash": "(left out)", "require_secret": false}]},
        });
        assert_eq!(parts, expected);
    }

    #[test]
    fn a_change_has_what_is_different() {
        let before = json!({"name": "a", "claims": {"x": 1, "y": [1, 2], "z": 0}, "secret": "s"});
        let after = json!({"name": "a", "claims": {"x": 1, "y": [1], "new": 2}, "secret": "t"});
        let parts = Value::Object(Data::new(Map::new(), Some(before), Some(after)).parts());
        let expected = json!({
            "before": {"claims": {"y": [1, 2], "z": 0}, "secret": "(left out)"},
            "after": {"claims": {"y": [1], "new": 2}, "secret": "(left out)"},
        });
        assert_eq!(parts, expected);
    }

    #[test]
    fn a_long_member_does_not_hide_the_others() {
        let claims = |role: &str| {
            let long = format!("{role}{:9}", 0).repeat(4000);
            json!({"claims": {"role": role, "x": long}})
        };
        let data = Data::new(Map::new(), Some(claims("user")), Some(claims("admin")));
        assert!(data.as_str().len() < 500);
        let parts = Value::Object(data.parts());
        assert_eq!(parts["before"]["claims"]["role"], "user");
        assert_eq!(parts["after"]["claims"]["role"], "admin");
        assert_eq!(parts["after"]["claims"]["x"], "(too long: 56002 bytes)");
    }

    #[test]
    fn many_short_members_do_not_hide_the_others() {
        let mut claims: Map<_, _> = (0..6000).map(|n| (format!("a{n}"), n.into())).collect();
        claims.insert("role".to_owned(), json!("admin"));
        let details = Map::from_iter([("operation".to_owned(), json!("create user"))]);
        let after = json!({"admin_role": "owner", "claims": claims});
        let parts = Value::Object(Data::new(details, None, Some(after)).parts());
        assert_eq!(parts["details"], json!({"operation": "create user"}));
        assert_eq!(parts["after"]["admin_role"], "owner");
        assert_eq!(parts["after"]["claims"]["role"], "admin");
        assert!(parts.to_string().len() < 1000, "{parts}");
    }

    #[test]
    fn what_decides_is_told_however_long_it_is() {
        let filler = |n: usize| format!("https://app.example/{n}/{}", "x".repeat(600));
        let known: Vec<String> = (0..40).map(filler).collect();
        let client = |redirect_uris: &[String], claims: usize| {
            let claims: Map<_, _> = (0..claims).map(|n| (format!("a{n}"), n.into())).collect();
            json!({"settings": {
                "redirect_uris": redirect_uris, "claims": claims, "require_pkce": claims.is_empty(),
            }})
        };
        let evil = "https://evil.example/".to_owned();
        let added = [known.as_slice(), &[evil.clone(), filler(40)]].concat();
        let (before, after) = (client(&known, 0), client(&added, 3000));
        let parts = Value::Object(Data::new(Map::new(), Some(before), Some(after)).parts());
        assert_eq!(parts["before"]["settings"]["redirect_uris"], json!([]));
        let settings = &parts["after"]["settings"];
        assert_eq!(settings["redirect_uris"], json!([evil, filler(40)]));
        assert_eq!(settings["require_pkce"], false);

        // Everything is exchanged, in a request as long as may be.
        let other: Vec<String> = (100..190).map(filler).collect();
        let user = |roles: &[String]| json!({"claims": {"role": roles, "x": "x".repeat(9000)}});
        let (before, after) = (user(&known), user(&other));
        let parts = Value::Object(Data::new(Map::new(), Some(before), Some(after)).parts());
        assert_eq!(parts["before"]["claims"]["role"], json!(known));
        assert_eq!(parts["after"]["claims"]["role"], json!(other));

        let padded = json!({"redirect_uris": other, "require_pkce": false, "claims": {"a": "b"}});
        let before = json!({"redirect_uris": [], "require_pkce": true, "claims": {}});
        let parts = Value::Object(Data::new(Map::new(), Some(before), Some(padded)).parts());
        assert_eq!(parts["after"]["require_pkce"], false);
        assert_eq!(parts["after"]["claims"], json!({"a": "b"}));
    }

    #[test]
    fn data_and_texts_are_bounded() {
        let many: Map<_, _> = (0..LONGEST_DATA / 8).map(|n| (n.to_string(), n.into())).collect();
        let details = Map::from_iter([("operation".to_owned(), json!("create user"))]);
        let parts = Data::new(details, None, Some(Value::Object(many))).parts();
        assert_eq!(parts["details"]["left_out"], "too long");
        assert!(!parts.contains_key("after"));
        assert_eq!(parts["details"]["operation"], "create user");
        let actor = Actor::new(ActorKind::Client, Some(&"é\0".repeat(LONGEST_TEXT)));
        let record = Record::new("x", Outcome::Refused, actor).cleaned();
        assert_eq!(record.actor.name, Some("é".repeat(LONGEST_TEXT / 2)));
    }
}
