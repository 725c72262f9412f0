//! From claims to the user's profile: without protocol claims, with userinfo (OIDC Core section
//! 5.3).

use doorward_protocol::json;
use serde_json::{Map, Value};

use crate::settings::{ClaimsFilter, MergeClaims};

/// Claims about the token, not about the user.
const PROTOCOL_CLAIMS: [&str; 8] =
    ["nbf", "jti", "auth_time", "nonce", "acr", "amr", "azp", "at_hash"];
/// Claims that no filter removes and userinfo cannot change, because the profile depends on them.
const FIXED_CLAIMS: [&str; 5] = ["sub", "iss", "aud", "exp", "iat"];

/// The claims of an ID token, or of userinfo, that enter the profile.
pub(crate) fn filtered(claims: Map<String, Value>, filter: &ClaimsFilter) -> Map<String, Value> {
    json::kept(claims, &|name, _| {
        FIXED_CLAIMS.contains(&name)
            || match filter {
                ClaimsFilter::Protocol(true) => !PROTOCOL_CLAIMS.contains(&name),
                ClaimsFilter::Protocol(false) => true,
                ClaimsFilter::Named(names) => !names.iter().any(|own| own == name),
            }
    })
}

/// Adds userinfo to the profile. Objects are merged deeply, scalars are replaced, arrays follow the
/// setting.
#[cfg_attr(not(feature = "userinfo"), allow(dead_code))]
pub(crate) fn join_user_info(
    profile: &mut Map<String, Value>,
    user_info: Map<String, Value>,
    arrays: MergeClaims,
) {
    merge(profile, json::kept(user_info, &|name, _| !FIXED_CLAIMS.contains(&name)), arrays);
}

/// Merges the later claims into the earlier ones.
pub(crate) fn merge(
    earlier: &mut Map<String, Value>,
    later: Map<String, Value>,
    arrays: MergeClaims,
) {
    for (name, value) in later {
        match (earlier.get_mut(&name), value) {
            (Some(Value::Object(earlier)), Value::Object(later)) => merge(earlier, later, arrays),
            (Some(Value::Array(earlier)), later) if arrays == MergeClaims::Merge => {
                unite(earlier, later);
            }
            (_, value) => {
                earlier.insert(name, value);
            }
        }
    }
}

/// Adds missing values. A single value counts as an array of one.
fn unite(earlier: &mut Vec<Value>, later: Value) {
    let later = match later {
        Value::Array(later) => later,
        one => vec![one],
    };
    for value in later {
        if !earlier.contains(&value) {
            earlier.push(value);
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn protocol_claims_are_left_out_and_the_basis_stays() {
        let all = object(json!({
            "sub": "a", "iss": "i", "aud": "c", "exp": 1, "iat": 1, "nbf": 1, "jti": "j",
            "auth_time": 1, "nonce": "n", "acr": "0", "amr": [], "azp": "c", "at_hash": "h",
            "name": "Alice", "sid": "s"
        }));
        let kept = filtered(all.clone(), &ClaimsFilter::Protocol(true));
        let names: Vec<&str> = kept.keys().map(String::as_str).collect();
        assert_eq!(names, ["aud", "exp", "iat", "iss", "name", "sid", "sub"]);
        assert_eq!(filtered(all.clone(), &ClaimsFilter::Protocol(false)), all);
        let own_list = ClaimsFilter::Named(vec!["name".to_owned(), "sub".to_owned()]);
        let kept = filtered(all, &own_list);
        assert!(kept.contains_key("sub") && kept.contains_key("nonce"));
        assert!(!kept.contains_key("name"));
    }

    #[test]
    fn userinfo_joins_deeply() {
        let id_token = json!({
            "sub": "a", "exp": 1, "name": "A", "role": ["user"],
            "address": {"city": "X", "zip": "1"},
        });
        let user_info = json!({
            "sub": "b", "exp": 9, "name": "B", "role": ["user", "admin"], "address": {"city": "Y"},
        });
        let mut replaced = object(id_token.clone());
        join_user_info(&mut replaced, object(user_info), MergeClaims::Replace);
        assert_eq!(
            Value::Object(replaced),
            json!({
                "sub": "a", "exp": 1, "name": "B", "role": ["user", "admin"],
                "address": {"city": "Y", "zip": "1"},
            })
        );
        let mut united = object(id_token);
        join_user_info(&mut united, object(json!({"role": "sit"})), MergeClaims::Merge);
        assert_eq!(united["role"], json!(["user", "sit"]));
    }

    proptest! {
        #[test]
        fn any_claims_merge(earlier in "\\PC{0,40}", later in "\\PC{0,40}", depth in 0_usize..40) {
            let nest = |leaf: &str| (0..depth).fold(json!(leaf), |inner, _| json!({"a": inner}));
            let mut claims = object(json!({"x": nest(&earlier)}));
            merge(&mut claims, object(json!({"x": nest(&later)})), MergeClaims::Merge);
            prop_assert_eq!(&claims["x"], &nest(&later));
        }
    }
}
