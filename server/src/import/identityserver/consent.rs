//! A persisted grant. A user's consent is taken over; for whom the others are, signs in anew.

use doorward_provider::model::time::Timestamp;
use serde_json::Value;

use super::{client::texts, seconds_of, with_model_names};
use crate::import::ForeignConsent;

/// The consent that the grant is; otherwise what is said about it, if that is anything.
pub fn foreign(grant: &Value, now: Timestamp) -> Result<ForeignConsent, Option<String>> {
    let kind = grant["Type"].as_str().unwrap_or("of an unknown type");
    if kind != "user_consent" {
        let what = format!("persisted grants {kind:?}: users and clients sign in anew");
        return Err(Some(what));
    }
    let unreadable = |why: &str| Some(format!("consents of users: {why}. They are asked again"));
    // The export may have no more than the kinds.
    let text = grant["Data"].as_str().ok_or_else(|| unreadable("the export has no Data"))?;
    let data = read(text).ok_or_else(|| unreadable("their Data can't be read"))?;
    let data = match data["Payload"].as_str() {
        None => data,
        // Only the application that wrote it has the key.
        Some(_) if super::is_true(&data["DataProtected"]) => {
            return Err(unreadable("they are encrypted by ASP.NET's data protection"));
        }
        Some(payload) => read(payload).ok_or_else(|| unreadable("their Data can't be read"))?,
    };
    let text = |name: &str| data[name].as_str().or_else(|| grant[name].as_str());
    let expires_at = match text("Expiration").filter(|text| !text.is_empty()).map(seconds_of) {
        Some(None) => return Err(unreadable("their Expiration can't be read")),
        end => end.flatten().map(Timestamp::from_seconds),
    };
    if expires_at.is_some_and(|end| end <= now) {
        return Err(None);
    }
    let (Some(sub), Some(client_id)) = (text("SubjectId"), text("ClientId")) else {
        return Err(unreadable("they name no user or no client"));
    };
    Ok(ForeignConsent {
        sub: sub.to_owned(),
        client_id: client_id.to_owned(),
        scopes: texts(&data["Scopes"]),
        expires_at,
    })
}

fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().map(with_model_names)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_consent_is_taken_over_unless_it_is_over_or_encrypted() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let data = |end: &str| {
            json!({"SubjectId": "1", "ClientId": "mvc", "Scopes": ["openid", "api1"],
                "CreationTime": "2020-01-01T00:00:00Z", "Expiration": end})
        };
        let grant = |data: String| json!({"Type": "user_consent", "Key": "x=", "Data": data});
        let consent = foreign(&grant(data("2027-01-31T12:00:00Z").to_string()), now).unwrap();
        assert_eq!((consent.sub.as_str(), consent.client_id.as_str()), ("1", "mvc"));
        assert_eq!(consent.scopes, ["openid", "api1"]);
        assert_eq!(consent.expires_at, Some(Timestamp::from_seconds(1_801_396_800)));
        // Duende's form.
        let contained = |is_protected: bool| {
            json!({"PersistentGrantDataContainerVersion": 1, "DataProtected": is_protected,
                "Payload": data("").to_string()})
        };
        let consent = foreign(&grant(contained(false).to_string()), now).unwrap();
        assert_eq!((consent.sub.as_str(), consent.expires_at), ("1", None));
        let said = |grant: Value| foreign(&grant, now).unwrap_err();
        assert!(said(grant(contained(true).to_string())).unwrap().contains("encrypted"));
        assert_eq!(said(grant(data("2020-01-31T12:00:00Z").to_string())), None, "it is over");
        assert!(said(grant("{".to_owned())).unwrap().contains("can't be read"));
        assert!(said(grant("{}".to_owned())).unwrap().contains("no user"));
        assert!(said(json!({"Type": "user_consent"})).unwrap().contains("no Data"));
        assert!(said(json!({"Type": "refresh_token"})).unwrap().contains("sign in anew"));
    }
}
