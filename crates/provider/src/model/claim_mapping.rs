//! What becomes of the claims that another provider sends about a user: rules by JSON pointer (RFC
//! 6901), as one pure function ([`ClaimMapping::apply`]).
//!
//! What no rule names gets nowhere. A rule that copies roles or groups must say which values may
//! come over, or give them a prefix, so that nobody there can make up a role of ours.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{
    client::is_reserved_claim,
    group::{GROUPS, ROLE},
    provisioning::MARKS_CLAIM,
    settings_error::SettingsError,
    user::{ADMIN_ROLE_CLAIM, UserClaims},
};

/// How many values one claim gets. Those beyond are left out.
const MOST_VALUES: usize = 1000;
/// The longest value in bytes. A longer one is left out: cut, it could be another value.
const LONGEST_VALUE: usize = 255;
/// The longest claims of one identity as JSON, in bytes. A claim that does not fit is left out.
const LONGEST_CLAIMS: usize = 64 * 1024;
/// How many rules a provider has.
const MOST_RULES: usize = 200;
/// Claims that are never mapped, beside those that the protocol sets itself: an address counts only
/// as verified here, the name is chosen here, and who administers is said here.
const OWN: [&str; 7] = [
    "email",
    "email_verified",
    "phone_number_verified",
    "preferred_username",
    "updated_at",
    ADMIN_ROLE_CLAIM,
    MARKS_CLAIM,
];

/// What becomes of the claims that another provider sends. The configuration has a list of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<ClaimRule>")]
pub struct ClaimMapping(Vec<ClaimRule>);

/// A rule: where a claim's values come from, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRule {
    /// The claim here.
    pub claim: String,
    /// A value of our own, or several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Where the values are in the provider's claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The values that may come over; `*` is any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// What is put before each value that comes over.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// What must hold, all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
}

/// Something that must hold for the provider's claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Where the value is in the provider's claims.
    pub pointer: String,
    /// It is this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Value>,
    /// It is a list with this value, or the value itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<Value>,
}

/// What claims give by a mapping.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapped {
    /// The claims.
    pub claims: UserClaims,
    /// For each claim of which something was left out: how many values.
    pub left_out: Vec<(String, usize)>,
}

/// What a rule does not give, and why: for people who wonder.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotGiven {
    /// A condition is not met.
    #[error("the condition on {0} is not met")]
    Condition(String),
    /// The provider has sent nothing there.
    #[error("there is nothing at {0}")]
    Missing(String),
    /// These values may not come over.
    #[error("these are not under only, or can't have the prefix: {}", listed(.0))]
    NotListed(Vec<Value>),
}

impl TryFrom<Vec<ClaimRule>> for ClaimMapping {
    type Error = SettingsError;

    fn try_from(rules: Vec<ClaimRule>) -> Result<Self, SettingsError> {
        Self::checked(rules)
    }
}

impl ClaimMapping {
    /// Checks rules. The message says which one is refused, and what to write instead.
    pub fn checked(rules: Vec<ClaimRule>) -> Result<Self, SettingsError> {
        if rules.len() > MOST_RULES {
            let problem = "give at most 200 rules for one identity provider";
            return Err(SettingsError::new("claims", rules.len(), problem));
        }
        for rule in &rules {
            rule.check().map_err(|problem| SettingsError::new("claims", &rule.claim, problem))?;
        }
        Ok(Self(rules))
    }

    /// Whether a rule names this claim.
    pub fn names(&self, claim: &str) -> bool {
        self.0.iter().any(|rule| rule.claim == claim)
    }

    /// Whether a rule reads this value of the provider's, or a part of it.
    pub fn reads(&self, pointer: &str) -> bool {
        let is_of_it = |text: &str| {
            text.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.0.iter().any(|rule| {
            let conditions = rule.when.iter().map(|condition| condition.pointer.as_str());
            conditions.chain(rule.from.as_deref()).any(is_of_it)
        })
    }

    /// What the rules do not give of these claims, each with the claim that it is a rule for.
    pub fn not_given(&self, upstream: &Map<String, Value>) -> Vec<(&str, NotGiven)> {
        let upstream = Value::Object(upstream.clone());
        let of = |rule: &ClaimRule| {
            if let Some(unmet) = rule.when.iter().find(|condition| !condition.holds(&upstream)) {
                return Some(NotGiven::Condition(unmet.pointer.clone()));
            }
            let from = rule.from.as_deref()?;
            let Some(found) = upstream.pointer(from).filter(|found| !found.is_null()) else {
                return Some(NotGiven::Missing(from.to_owned()));
            };
            let refused = as_list(found).iter().filter(|value| !rule.may_come(value)).cloned();
            let refused: Vec<_> = refused.collect();
            (!refused.is_empty()).then_some(NotGiven::NotListed(refused))
        };
        self.0.iter().filter_map(|rule| Some((rule.claim.as_str(), of(rule)?))).collect()
    }

    /// The claims that these claims of the provider give. Several rules for one claim add up.
    pub fn apply(&self, upstream: &Map<String, Value>) -> Mapped {
        let upstream = Value::Object(upstream.clone());
        let mut mapped = Mapped::default();
        let mut length = 0;
        for rule in self.0.iter().filter(|rule| rule.applies_to(&upstream)) {
            let (values, mut left_out) = rule.values(&upstream);
            for value in values {
                let present = mapped.claims.0.get(&rule.claim).map_or(&[][..], as_list);
                if present.contains(&value) {
                    continue;
                }
                let more = value.to_string().len() + rule.claim.len() + 8;
                if present.len() >= MOST_VALUES || length + more > LONGEST_CLAIMS {
                    left_out += 1;
                    continue;
                }
                length += more;
                add(&mut mapped.claims.0, &rule.claim, value);
            }
            if left_out > 0 {
                mapped.left_out.push((rule.claim.clone(), left_out));
            }
        }
        mapped
    }
}

impl ClaimRule {
    fn check(&self) -> Result<(), &'static str> {
        if self.claim.is_empty() || self.claim.len() > 100 || self.claim.contains(char::is_control)
        {
            return Err("the name of a claim has 1 to 100 characters");
        }
        if is_reserved_claim(&self.claim) || OWN.contains(&self.claim.as_str()) {
            return Err("this claim is set here, and never by another provider");
        }
        match (&self.value, &self.from) {
            (Some(_), Some(_)) | (None, None) => {
                return Err("give either a value, or by from where the values are");
            }
            (Some(value), None) => {
                if !self.only.is_empty() || !self.prefix.is_empty() {
                    return Err("only and prefix are for values that come by from");
                }
                if !as_list(value).iter().all(|one| self.is_usable(one)) {
                    return Err(
                        "a value is a text of at most 255 bytes, a number, true or false, \
                                or a list of them; a role has no spaces",
                    );
                }
            }
            (None, Some(from)) => {
                check_pointer(from)?;
                let is_right = [ROLE, GROUPS].contains(&self.claim.as_str());
                if is_right && self.only.is_empty() && self.prefix.is_empty() {
                    return Err("say by only which roles or groups may come over, or give a \
                                prefix; only = [\"*\"] takes whatever the provider sends");
                }
            }
        }
        for condition in &self.when {
            check_pointer(&condition.pointer)?;
            if condition.equals.is_some() == condition.contains.is_some() {
                return Err("a condition has a pointer, and either equals or contains");
            }
        }
        Ok(())
    }

    fn applies_to(&self, upstream: &Value) -> bool {
        self.when.iter().all(|condition| condition.holds(upstream))
    }

    /// The values that this rule gives, and how many can't be taken.
    fn values(&self, upstream: &Value) -> (Vec<Value>, usize) {
        if let Some(value) = &self.value {
            return (as_list(value).to_vec(), 0);
        }
        let found = self.from.as_deref().and_then(|from| upstream.pointer(from));
        let (mut values, mut left_out) = (Vec::new(), 0);
        for value in found.map_or(&[][..], as_list) {
            if value.is_null() || !self.may_come(value) {
                continue;
            }
            let value = match value {
                Value::String(text) => Value::String(format!("{}{text}", self.prefix)),
                other => other.clone(),
            };
            if self.is_usable(&value) {
                values.push(value);
            } else {
                left_out += 1;
            }
        }
        (values, left_out)
    }

    fn may_come(&self, value: &Value) -> bool {
        // A prefix can stand before texts only.
        let has_prefix = self.prefix.is_empty() || value.is_string();
        let is_listed = |own: &String| own == "*" || value == own;
        has_prefix && (self.only.is_empty() || self.only.iter().any(is_listed))
    }

    fn is_usable(&self, value: &Value) -> bool {
        let is_text = |text: &str| {
            !text.is_empty() && text.len() <= LONGEST_VALUE && !text.contains(char::is_control)
        };
        match value {
            // A list of roles may be written as texts between spaces somewhere.
            Value::String(text) if self.claim == ROLE => {
                is_text(text) && !text.contains(char::is_whitespace)
            }
            Value::String(text) => is_text(text),
            Value::Number(_) | Value::Bool(_) => ![ROLE, GROUPS].contains(&self.claim.as_str()),
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        }
    }
}

impl Condition {
    fn holds(&self, upstream: &Value) -> bool {
        let Some(found) = upstream.pointer(&self.pointer) else { return false };
        match (&self.equals, &self.contains) {
            (Some(value), None) => found == value,
            (None, Some(value)) => as_list(found).contains(value),
            _ => false,
        }
    }
}

/// The pointer to a claim (RFC 6901 section 3).
pub fn pointer_to(claim: &str) -> String {
    format!("/{}", claim.replace('~', "~0").replace('/', "~1"))
}

fn listed(values: &[Value]) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
}

/// The values of a claim, whether they are in a list or there is one.
fn as_list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        single => std::slice::from_ref(single),
    }
}

/// Adds a value. Roles and groups are lists; another claim becomes one with its second value.
fn add(claims: &mut Map<String, Value>, name: &str, value: Value) {
    let is_list = [ROLE, GROUPS].contains(&name);
    match claims.get_mut(name) {
        Some(Value::Array(values)) => values.push(value),
        Some(single) => *single = Value::Array(vec![single.take(), value]),
        None => {
            let value = if is_list { Value::Array(vec![value]) } else { value };
            claims.insert(name.to_owned(), value);
        }
    }
}

/// A pointer is empty, or begins with a slash, and each `~` is the beginning of `~0` or `~1` (RFC
/// 6901 section 3).
fn check_pointer(text: &str) -> Result<(), &'static str> {
    let is_escaped = |part: &str| part.starts_with(['0', '1']);
    let is_pointer = text.starts_with('/') && text.split('~').skip(1).all(is_escaped);
    let problem = "write where the value is as a JSON pointer, as /groups or /address/country, \
                   with ~1 for a slash in a name and ~0 for ~";
    if is_pointer { Ok(()) } else { Err(problem) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rules(rules: Value) -> ClaimMapping {
        serde_json::from_value(rules).unwrap()
    }

    fn problem(rule: &Value) -> String {
        serde_json::from_value::<ClaimMapping>(json!([rule])).unwrap_err().to_string()
    }

    fn apply(mapping: &ClaimMapping, claims: Value) -> Value {
        let Value::Object(claims) = claims else { unreachable!() };
        Value::Object(mapping.apply(&claims).claims.0)
    }

    #[test]
    fn values_come_by_pointer_by_condition_or_are_fixed() {
        let mapping = rules(json!([
            {"claim": "department", "from": "/org/unit"},
            {"claim": "site", "from": "/https:~1~1x.example~1site"},
            {"claim": "groups", "from": "/groups", "only": ["sales", "it"]},
            {"claim": "groups", "from": "/groups", "prefix": "up:"},
            {"claim": "role", "value": "editor",
             "when": [{"pointer": "/groups", "contains": "sales"}]},
            {"claim": "role", "value": ["a", "b"],
             "when": [{"pointer": "/org/unit", "equals": "IT"}]},
            {"claim": "employee", "value": true},
        ]));
        let claims = json!({
            "org": {"unit": "Sales"}, "https://x.example/site": 7, "groups": ["sales", "admin"],
            "role": "admin", "admin_role": "owner",
        });
        assert_eq!(
            apply(&mapping, claims),
            json!({
                "department": "Sales", "site": 7, "groups": ["sales", "up:sales", "up:admin"],
                "role": ["editor"], "employee": true,
            })
        );
        assert_eq!(apply(&mapping, json!({})), json!({"employee": true}));
        assert_eq!(
            apply(&mapping, json!({"groups": "sales"})),
            json!({"groups": ["sales", "up:sales"], "role": ["editor"], "employee": true})
        );
    }

    #[test]
    fn what_a_rule_does_not_give_is_told_with_the_reason() {
        let mapping = rules(json!([
            {"claim": "groups", "from": "/groups", "only": ["sales"]},
            {"claim": "role", "value": "editor", "when": [
                {"pointer": "/groups", "contains": "sales"}, {"pointer": "/mfa", "equals": true},
            ]},
            {"claim": "site", "from": "/a~1b"},
            {"claim": "department", "from": "/unit"},
            {"claim": "employee", "value": true},
        ]));
        let Value::Object(claims) = json!({"groups": ["sales", "it", 7], "unit": "IT"}) else {
            unreachable!()
        };
        let told = mapping.not_given(&claims);
        let told: Vec<_> = told.iter().map(|(claim, why)| format!("{claim}: {why}")).collect();
        let expected = [
            "groups: these are not under only, or can't have the prefix: \"it\", 7",
            "role: the condition on /mfa is not met",
            "site: there is nothing at /a~1b",
        ];
        assert_eq!(told, expected);
        assert_eq!(pointer_to("a/b~c"), "/a~1b~0c");
    }

    #[test]
    fn a_condition_is_about_whole_values() {
        let mapping = rules(json!([
            {"claim": "role", "value": "x", "when": [{"pointer": "/g", "contains": "admin"}]},
            {"claim": "role", "value": "y", "when": [{"pointer": "/g", "equals": "admin"}]},
            {"claim": "role", "value": "z", "when": [
                {"pointer": "/g", "contains": "a"}, {"pointer": "/m", "equals": true},
            ]},
        ]));
        for (claims, expected) in [
            (json!({"g": "not-admin"}), json!({})),
            (json!({"g": ["not-admin", "Admin", ["admin"]]}), json!({})),
            (json!({"g": ["admin"]}), json!({"role": ["x"]})),
            (json!({"g": "admin"}), json!({"role": ["x", "y"]})),
            (json!({"g": ["a"], "m": "true"}), json!({})),
            (json!({"g": ["a"], "m": true}), json!({"role": ["z"]})),
        ] {
            assert_eq!(apply(&mapping, claims.clone()), expected, "{claims}");
        }
    }

    #[test]
    fn what_is_set_here_is_never_mapped() {
        for claim in [
            "sub",
            "iss",
            "aud",
            "amr",
            "acr",
            "auth_time",
            "sid",
            "scope",
            "client_id",
            "cnf",
            "email",
            "email_verified",
            "preferred_username",
            "admin_role",
        ] {
            let problem = problem(&json!({"claim": claim, "from": "/x"}));
            assert!(problem.contains("is set here"), "{claim}: {problem}");
        }
    }

    #[test]
    fn a_rule_that_can_give_any_role_says_so() {
        for claim in ["role", "groups"] {
            let any = problem(&json!({"claim": claim, "from": "/groups"}));
            assert!(any.contains("only = [\"*\"]"), "{any}");
            rules(json!([{"claim": claim, "from": "/groups", "only": ["*"]}]));
            rules(json!([{"claim": claim, "from": "/groups", "prefix": "up:"}]));
        }
    }

    #[test]
    fn mistakes_in_rules_are_told() {
        for (rule, part) in [
            (json!({"claim": "x"}), "either a value"),
            (json!({"claim": "x", "value": 1, "from": "/x"}), "either a value"),
            (json!({"claim": "x", "value": {"a": 1}}), "a value is a text"),
            (json!({"claim": "role", "value": "two words"}), "a value is a text"),
            (json!({"claim": "x", "value": 1, "only": ["1"]}), "only and prefix"),
            (json!({"claim": "x", "from": "x"}), "JSON pointer"),
            (json!({"claim": "x", "from": ""}), "JSON pointer"),
            (json!({"claim": "x", "from": "/a~b"}), "JSON pointer"),
            (json!({"claim": "", "from": "/a"}), "1 to 100"),
            (json!({"claim": "x", "from": "/a", "when": [{"pointer": "/a"}]}), "a condition"),
            (json!({"claim": "x", "from": "/a", "form": "/b"}), "unknown field"),
        ] {
            let problem = problem(&rule);
            assert!(problem.contains(part), "{rule}: {problem}");
        }
    }

    #[test]
    fn what_is_too_much_is_left_out_and_counted() {
        let mapping = rules(json!([{"claim": "groups", "from": "/groups", "only": ["*"]}]));
        let groups: Vec<String> = (0..1500).map(|number| format!("g{number}")).collect();
        let Value::Object(claims) = json!({"groups": groups}) else { unreachable!() };
        let mapped = mapping.apply(&claims);
        assert_eq!(mapped.claims.0["groups"].as_array().unwrap().len(), MOST_VALUES);
        assert_eq!(mapped.left_out, [("groups".to_owned(), 500)]);
        let Value::Object(claims) =
            json!({"groups": ["a".repeat(256), "b\n", "", {"c": 1}, ["d"], 7, null, "e"]})
        else {
            unreachable!()
        };
        let mapped = mapping.apply(&claims);
        assert_eq!(mapped.claims.0["groups"], json!(["e"]));
        assert_eq!(mapped.left_out, [("groups".to_owned(), 6)]);
    }

    fn any_claims() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-z]{0,4}".prop_map(Value::from),
            prop_oneof![Just("admin"), Just("owner"), Just("sales")].prop_map(Value::from),
        ];
        let value = leaf.prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        let name = prop_oneof![
            Just("role".to_owned()),
            Just("groups".to_owned()),
            Just("admin_role".to_owned()),
            "[a-z]{1,4}",
        ];
        prop::collection::btree_map(name, value, 0..6)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    }

    proptest! {
        /// Whatever comes, only claims and rights that the rules name are given.
        #[test]
        fn nothing_gives_what_no_rule_names(claims in any_claims()) {
            let mapping = rules(json!([
                {"claim": "groups", "from": "/groups", "only": ["sales"]},
                {"claim": "role", "value": "editor",
                 "when": [{"pointer": "/role", "contains": "sales"}]},
                {"claim": "note", "from": "/note"},
            ]));
            let given = apply(&mapping, claims);
            for (name, value) in given.as_object().unwrap() {
                match name.as_str() {
                    "groups" => prop_assert_eq!(value, &json!(["sales"])),
                    "role" => prop_assert_eq!(value, &json!(["editor"])),
                    "note" => prop_assert!(as_list(value).iter().all(|one| !one.is_object())),
                    other => prop_assert!(false, "{other} is not named"),
                }
            }
        }
    }
}
