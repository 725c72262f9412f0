//! On the server, where it is never known who is signed in.
#![allow(clippy::unwrap_used)]

use super::*;

fn settings() -> Settings {
    Settings::new("https://op.example", "app", "https://app.example/")
}

#[test]
fn what_needs_a_user_waits_for_one() {
    let html = Owner::new().with(|| {
        provide_auth(settings());
        view! {
            <RequireAuth fallback=|| "nobody" loading=|| "loading">"somebody"</RequireAuth>
        }
        .to_html()
    });
    assert!(html.contains("loading"), "{html}");
    assert!(!html.contains("somebody") && !html.contains("nobody"), "{html}");
}

#[test]
fn before_hydration_nothing_is_known() {
    Owner::new().with(|| {
        provide_auth(settings());
        let auth = use_auth();
        assert_eq!(auth.status().as_str(), "loading");
        assert_eq!((auth.user_name(), auth.failure(), auth.arrival()), (None, None, None));
        assert!(!auth.is_signed_in() && !auth.is_leaving() && auth.manager().is_none());
    });
}

#[test]
fn on_the_server_nothing_is_waited_for() {
    Owner::new().with(|| {
        let auth = provide_auth(settings());
        assert_eq!(auth.as_condition(), None);
        futures::executor::block_on(auth.ready());
        let called = futures::executor::block_on(auth.call(ApiRequest::get("https://api.example")));
        assert_eq!(called.err(), Some(Error::NotSignedIn));
    });
}

#[test]
fn an_expired_session_is_not_signed_in_but_has_a_user() {
    let user: User = serde_json::from_str(
        r#"{ "access_token": "a",
             "profile": { "sub": "1", "preferred_username": "alice", "name": "Alice A." } }"#,
    )
    .unwrap();
    Owner::new().with(|| {
        let auth = provide_auth(settings());
        auth.status.set(AuthStatus::Expired(Box::new(user.clone())));
        assert_eq!((auth.status().as_str(), auth.as_condition()), ("expired", Some(false)));
        assert!(!auth.is_signed_in());
        assert_eq!(auth.user_name().as_deref(), Some("alice"));
        auth.status.set(Some(user).into());
        assert_eq!(auth.as_condition(), Some(true));
    });
}

#[test]
fn a_return_address_stays_at_the_origin() {
    for path in ["/", "/orders?page=2#top"] {
        assert!(operations::is_local(path), "{path}");
    }
    for path in ["", "orders", "//evil.example", "/\\evil.example", "https://evil.example/"] {
        assert!(!operations::is_local(path), "{path}");
    }
}

#[cfg(feature = "policy")]
#[test]
fn a_policy_decides_by_the_access_token_or_else_the_profile() {
    use doorward_protocol::base64url;

    let token = ["{\"alg\":\"RS256\"}", "{\"sub\":\"1\",\"role\":\"admin\"}", "x"]
        .map(base64url::encode)
        .join(".");
    let user = |access_token: &str| -> User {
        serde_json::from_value(serde_json::json!({
            "access_token": access_token, "profile": { "sub": "1", "role": "user" }
        }))
        .unwrap()
    };
    for (access_token, role) in [(token.as_str(), "admin"), ("opaque", "user")] {
        Owner::new().with(|| {
            let auth = provide_auth(settings());
            auth.status.set(Some(user(access_token)).into());
            let html = view! {
                <RequirePolicy policy=Policy::require_role(role)>"inside"</RequirePolicy>
            }
            .to_html();
            assert!(html.contains("inside"), "{role}: {html}");
        });
    }
}
