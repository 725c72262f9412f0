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
        assert_eq!(auth.take_repeat(), None);
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
fn a_component_that_is_gone_is_not_waited_for() {
    let owner = Owner::new();
    let auth = owner.with(|| provide_auth(settings()));
    let waiting = auth.ready();
    owner.cleanup();
    futures::executor::block_on(waiting);
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

/// What a page shows that sends who is not signed in to the provider, after these statuses.
fn shown_with_redirect(statuses: Vec<AuthStatus>) -> String {
    Owner::new().with(|| {
        let auth = provide_auth(settings());
        for status in statuses {
            start::set_status(auth, status);
        }
        view! {
            <RequireAuth redirect=true fallback=|| "nobody" loading=|| "loading">
                "somebody"
            </RequireAuth>
        }
        .to_html()
    })
}

#[test]
fn only_a_page_that_nobody_was_signed_in_to_leaves_by_itself() {
    let user = || Box::new(alice().into_user());
    let (signed_in, expired) = (|| AuthStatus::SignedIn(user()), || AuthStatus::Expired(user()));
    for (statuses, shown) in [
        (vec![AuthStatus::SignedOut], "loading"),
        (vec![expired()], "loading"),
        (vec![AuthStatus::Unavailable, AuthStatus::SignedOut], "loading"),
        // Signed out: here, in another tab, or at a provider without a sign-out page.
        (vec![signed_in(), AuthStatus::SignedOut], "nobody"),
        // The token has ended, and the user may be in the middle of something.
        (vec![signed_in(), expired()], "nobody"),
        (vec![signed_in(), expired(), AuthStatus::SignedOut], "nobody"),
        (vec![signed_in(), AuthStatus::SignedOut, signed_in()], "somebody"),
    ] {
        let html = shown_with_redirect(statuses.clone());
        assert!(html.contains(shown), "{statuses:?}: {html}");
    }
}

#[test]
fn a_return_address_stays_at_the_origin() {
    for path in ["/", "/orders?page=2#top"] {
        assert!(callback::is_local(path), "{path}");
    }
    for path in ["", "orders", "//evil.example", "/\\evil.example", "https://evil.example/"] {
        assert!(!callback::is_local(path), "{path}");
    }
}

#[test]
fn somebody_else_begins_a_sign_in_at_its_path_alone() {
    let begins = |opened: &str| live::is_initiation("/initiate-login", opened);
    assert!(begins("/initiate-login?iss=https%3A%2F%2Fop.example"));
    assert!(begins("/initiate-login?login_hint=a&iss=x#top"));
    for other in [
        "/",
        "/?iss=x",
        "/initiate-login",
        "/initiate-login?",
        "/initiate-login?login_hint=iss=x",
        "/initiate-login-too?iss=x",
        "/initiate-login/?iss=x",
        "/initiate-login#?iss=x",
        "/initiate-login?#&iss=x",
        "/a/initiate-login?iss=x",
        // Responses of the provider, where this is also the redirect URI.
        "/initiate-login?code=c&state=s&iss=x",
        "/initiate-login?iss=x&response=e30.e30.e30",
    ] {
        assert!(!begins(other), "{other}");
    }
}

/// A call in nobody's name is for a page without a user. Anything else is a failure.
#[test]
fn a_call_goes_without_a_token_only_if_nobody_was_signed_in_before() {
    use server_call::{NoToken, with_token};

    // Meanwhile, another tab signs the user out.
    let called = |before: AuthStatus, error: Error| {
        Owner::new().with(|| {
            let auth = provide_auth(settings());
            auth.status.set(before);
            let call = async move {
                auth.status.set(AuthStatus::SignedOut);
                Err::<(), _>(error)
            };
            futures::executor::block_on(with_token(auth, call))
        })
    };
    let user = || Box::new(alice().into_user());
    assert_eq!(called(AuthStatus::SignedOut, Error::NotSignedIn), Err(NoToken::OfNobody));
    for (status, reason) in [
        (AuthStatus::Loading, "signed in"),
        (AuthStatus::Unavailable, "settings of the sign-in are missing"),
        (AuthStatus::SignedIn(user()), "signed in"),
        (AuthStatus::Expired(user()), "signed in"),
    ] {
        let Err(NoToken::Because(told)) = called(status.clone(), Error::NotSignedIn) else {
            panic!("{status:?}");
        };
        assert!(told.contains(reason), "{status:?}: {told}");
    }
    let refused = Error::Refused {
        endpoint: "token_endpoint",
        code: ErrorCode::InvalidGrant,
        description: None,
    };
    let storage = doorward_client::ports::StorageError("blocked".to_owned());
    for error in [Error::NoRefreshToken, Error::OtherTab, refused, Error::Storage(storage)] {
        let told = NoToken::Because(error.to_string());
        assert_eq!(called(AuthStatus::SignedOut, error), Err(told));
    }
}

#[test]
fn a_call_that_does_not_know_its_sign_in_is_not_made_in_nobodys_name() {
    use server_call::meant;

    Owner::new().with(|| {
        let auth = provide_auth(settings());
        for has_named in [true, false] {
            assert!(meant(Some(auth), has_named).is_ok_and(|auth| auth.is_some()));
        }
        assert!(meant(None, false).is_ok_and(|auth| auth.is_none()), "a page without sign-in");
        let refused = meant(None, true).map(drop).unwrap_err();
        assert!(refused.contains("provide_context(use_auth_of"), "{refused}");
    });
}

/// Another client has begun with the response.
#[test]
fn the_pages_client_leaves_a_response_to_the_one_that_may_have_its_tokens() {
    let finished = |begun: Option<Result<User, Error>>, own: Result<u8, Error>| {
        let asked = std::cell::Cell::new(false);
        let own = async {
            asked.set(true);
            own
        };
        let (result, stray) = futures::executor::block_on(callback::finish(begun, own));
        (result, stray, asked.get())
    };
    let used_up = || Error::NoMatchingState { signed_in: false };
    let storage = || Error::Storage(doorward_client::ports::StorageError("full".to_owned()));
    let network = || Error::Network {
        url: "https://op.example/jwks".to_owned(),
        failure: NetworkFailure::Offline,
    };
    let user = || alice().into_user();
    assert_eq!(finished(None, Ok(1)), (Ok(1), None, true));
    assert_eq!(finished(Some(Ok(user())), Ok(1)), (Ok(1), None, true));
    for error in [network(), storage()] {
        let expected = (Err(error.clone()), None, false);
        assert_eq!(finished(Some(Err(error)), Ok(1)), expected, "its tokens would be lost");
    }
    let (expected, cause) = (Error::StateMismatch("issuer"), Error::StateMismatch("issuer"));
    assert_eq!(finished(Some(Err(cause)), Err(used_up())), (Err(expected), None, true));
    // The stores differ: the user must not stay behind in a store that the page never clears.
    let stray = (Err(used_up()), Some(user()), true);
    assert_eq!(finished(Some(Ok(user())), Err(used_up())), stray);
    assert_eq!(finished(Some(Ok(user())), Err(network())), (Err(network()), None, true));
}

#[test]
fn the_last_sign_in_that_is_still_there_is_that_of_the_page() {
    let mut page = options::Provided::NONE;
    assert!(page.last().is_none());
    let named = |owner: &Owner, name: &str| {
        owner.with(|| {
            let auth = provide_auth(settings());
            let mut user = alice();
            user.profile.insert("name".to_owned(), name.into());
            auth.status.set(Some(user.into_user()).into());
            auth
        })
    };
    let root = Owner::new();
    let part = root.with(Owner::new);
    page.add(named(&root, "of the root"));
    page.add(named(&part, "of a part"));
    let mut name = || page.last().and_then(Auth::user_name);
    assert_eq!(name().as_deref(), Some("of a part"));
    part.cleanup();
    assert_eq!(name().as_deref(), Some("of the root"), "it is there all the time");
    root.cleanup();
    assert_eq!(name(), None);
}

#[test]
fn an_answer_tells_the_client_all_that_proofs_need() {
    let header = |name: &str| {
        let value = match name {
            "date" => "1970-01-01",
            "dpop-nonce" => "n",
            "www-authenticate" => "DPoP",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let url = Some("https://moved.example/".to_owned());
    let seconds = |date: &str| (date == "1970-01-01").then_some(7);
    for (status, date) in [(400, Some(7)), (200, None), (304, None), (403, None)] {
        let known = browser_fetch::known_of(status, Some(String::new()), header, seconds);
        assert_eq!((known.date, known.url), (date, None), "{status}: it may be from a cache");
    }
    let known = browser_fetch::known_of(401, url.clone(), header, seconds);
    assert_eq!((known.status, known.date, known.url.clone()), (401, Some(7), url));
    assert_eq!((known.header("dpop-nonce"), known.header("date")), (Some("n"), None));
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

#[test]
fn what_is_to_be_repeated_is_given_once_and_to_the_same_user() {
    let user = |sub: &str| -> User {
        let text = format!(r#"{{ "access_token": "a", "profile": {{ "sub": "{sub}" }} }}"#);
        serde_json::from_str(&text).unwrap()
    };
    let brought = serde_json::json!({ "step_up": { "sub": "alice", "again": 7 } });
    Owner::new().with(|| {
        let auth = provide_auth(settings());
        auth.brought.set(Some(brought.clone()));
        assert_eq!(auth.take_repeat(), None, "it is not known yet who is signed in");
        auth.status.set(Some(user("alice")).into());
        assert_eq!(auth.take_repeat(), Some(7.into()));
        assert_eq!(auth.take_repeat(), None);
        auth.brought.set(Some(brought));
        auth.status.set(Some(user("bob")).into());
        assert_eq!(auth.take_repeat(), None);
        auth.status.set(Some(user("alice")).into());
        assert_eq!(auth.take_repeat(), None, "another user came back first");
        // The page's own state is not a step-up.
        auth.brought.set(Some(serde_json::json!("mine")));
        assert_eq!(auth.take_repeat(), None);
    });
}

fn alice() -> ServerUser {
    let claims = [("sub", "1"), ("name", "Alice"), ("role", "admin")];
    ServerUser::new(
        claims.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect(),
    )
}

#[test]
fn each_state_has_its_component() {
    let page = || {
        view! {
            <AuthLoading>"loading"</AuthLoading>
            <SignedIn>"somebody"</SignedIn>
            <SignedOut>"nobody"</SignedOut>
        }
        .to_html()
    };
    let expired = AuthStatus::Expired(Box::new(alice().into_user()));
    for (status, shown) in [
        (AuthStatus::Loading, "loading"),
        (AuthStatus::SignedOut, "nobody"),
        (AuthStatus::Unavailable, "nobody"),
        (expired, "nobody"),
        (Some(alice().into_user()).into(), "somebody"),
    ] {
        let html = Owner::new().with(|| {
            provide_auth(settings()).status.set(status.clone());
            page()
        });
        let words = ["loading", "nobody", "somebody"];
        let found: Vec<_> = words.into_iter().filter(|word| html.contains(word)).collect();
        assert_eq!(found, [shown], "{status:?}: {html}");
    }
}

#[test]
fn several_sign_ins_stand_side_by_side() {
    struct Bank;
    struct Shop;
    Owner::new().with(|| {
        let bank = AuthOptions::new(settings()).provide_as::<Bank>();
        AuthOptions::new(settings()).provide_as::<Shop>();
        assert!(use_context::<Auth>().is_none(), "there is none without a name");
        bank.status.set(Some(alice().into_user()).into());
        assert_eq!(use_auth_of::<Bank>().user_name().as_deref(), Some("Alice"));
        assert_eq!(use_auth_of::<Shop>().status().as_str(), "loading");
        let (bank, shop) = (use_auth_of::<Bank>(), use_auth_of::<Shop>());
        let html = view! {
            <RequireAuth auth=bank>"accounts"</RequireAuth>
            <SignedIn auth=shop>"basket"</SignedIn>
        }
        .to_html();
        assert!(html.contains("accounts") && !html.contains("basket"), "{html}");
    });
}

#[test]
fn the_first_html_has_the_user_of_the_session() {
    for (user, shown) in [(Some(alice()), "Hello Alice"), (None, "Please sign in")] {
        let html = Owner::new().with(|| {
            if let Some(user) = user {
                provide_context(user);
            }
            let auth = provide_session_auth(SessionRoutes::default());
            let name = move || auth.user_name();
            view! {
                <RequireAuth fallback=|| "Please sign in">"Hello " {name}</RequireAuth>
            }
            .to_html()
        });
        let text = html.replace("<!>", "");
        assert!(text.contains(shown), "{text}");
    }
}

#[cfg(feature = "policy")]
#[test]
fn a_page_that_needs_a_recent_sign_in_knows_the_time() {
    let shown_to = |auth_time: u64| {
        let mut user = alice();
        user.profile.insert("auth_time".to_owned(), auth_time.into());
        Owner::new().with(|| {
            provide_context(user);
            let auth = provide_session_auth(SessionRoutes::default());
            let html = view! {
                <RequirePolicy
                    policy=Policy::require_recent_sign_in(300)
                    fallback=|| "too long ago"
                >
                    "inside"
                </RequirePolicy>
            }
            .to_html();
            (auth.now(), html)
        })
    };
    let (now, html) = shown_to(page::now());
    assert!(html.contains("inside"), "{html}");
    let (_, html) = shown_to(now - 1000);
    assert!(html.contains("too long ago") && !html.contains("inside"), "{html}");
}

/// Between the server's answer and hydration, a sign-in may have become too old.
#[cfg(feature = "policy")]
#[test]
fn a_page_decides_at_first_as_the_server_did() {
    let mut user = alice();
    user.profile.insert("auth_time".to_owned(), (page::now() - 1000).into());
    Owner::new().with(|| {
        provide_context(user);
        let mut auth = provide_session_auth(SessionRoutes::default());
        auth.rendered_at = (page::now() - 900).try_into().ok();
        let policy = Policy::require_recent_sign_in(300);
        let html =
            view! { <RequirePolicy policy=policy auth=auth>"inside"</RequirePolicy> }.to_html();
        assert!(html.contains("inside"), "{html}");
    });
}

#[test]
fn a_server_session_has_no_tokens_for_the_page() {
    Owner::new().with(|| {
        provide_context(alice());
        let auth = provide_session_auth(SessionRoutes::default());
        assert_eq!(auth.user().map(|user| user.access_token), Some(String::new()));
        let token = futures::executor::block_on(auth.access_token());
        assert_eq!(token.err(), Some(Error::NotSignedIn));
        assert!(auth.manager().is_none() && auth.expires_in().is_none());
    });
}

#[test]
fn the_route_of_the_session_gets_what_a_link_may_bring() {
    use session::{sign_in_url, sign_out_url};

    let mut args = SigninRequestArgs::default()
        .return_to("/orders#7")
        .scope("openid")
        .added_scope("orders")
        .prompt("login")
        .max_age(60)
        .ui_locales("de")
        .nonce("n")
        .state(serde_json::json!("secret"));
    let extra = [("kc_idp_hint", "a b"), ("scope", "admin")];
    args.extra_query_params = extra.map(|(name, value)| (name.into(), value.into())).into();
    assert_eq!(
        sign_in_url("/signin", &args),
        "/signin?return_to=%2Forders%237&scope=openid+orders&prompt=login&max_age=60\
         &ui_locales=de&kc_idp_hint=a+b"
    );
    let mut args = SignoutRequestArgs::default();
    assert_eq!(sign_out_url("/signout", &args), "/signout");
    args.extra_query_params = vec![("ui_locales".into(), "de".into())];
    assert_eq!(sign_out_url("/signout", &args), "/signout?ui_locales=de");
    assert_eq!(sign_out_url("/bye?x=1", &args), "/bye?x=1&ui_locales=de");
}

#[test]
fn only_the_way_back_from_the_sign_in_brings_the_state() {
    use session::StoredState;

    let kept = || StoredState::new("/orders?page=2#top", "m1".to_owned(), 7.into());
    assert_eq!(kept().return_to(), "/orders?page=2#m1");
    let brought = kept().brought_to("https://shop.example/orders?page=2#m1");
    assert_eq!(brought, Some((7.into(), "/orders?page=2#top".to_owned())));
    // Back, another link, and the same page once more.
    for url in ["https://shop.example/orders?page=2#top", "https://shop.example/", "#m12", "#"] {
        assert_eq!(kept().brought_to(url), None, "{url}");
    }
    let text = serde_json::to_string(&kept()).unwrap();
    let read: StoredState = serde_json::from_str(&text).unwrap();
    assert!(read.brought_to("/orders?page=2#m1").is_some());
}

#[test]
fn the_server_says_that_the_session_is_over_or_not_enough() {
    use session::accepted;

    let answer = |status: u16, challenge: &str| ApiResponse {
        status,
        headers: vec![("www-authenticate".to_owned(), challenge.to_owned())],
        body: String::new(),
        date: None,
        url: None,
    };
    let step_up = "Session error=\"insufficient_user_authentication\", acr_values=\"2\"";
    let refused = accepted(answer(401, step_up)).unwrap_err();
    assert_eq!(refused.step_up().and_then(|own| own.acr_values.as_deref()), Some("2"));
    assert_eq!(accepted(answer(401, "Session")).err(), Some(Error::NotSignedIn));
    for (status, challenge) in [(200, "Session"), (401, "Basic realm=\"x\""), (401, ""), (403, "")]
    {
        let answered = accepted(answer(status, challenge)).map(|answer| answer.status);
        assert_eq!(answered.ok(), Some(status), "{challenge}");
    }
}

#[test]
fn claims_have_the_types_of_the_application() {
    #[derive(serde::Deserialize)]
    struct Claims {
        name: String,
        #[serde(default)]
        groups: Vec<String>,
    }
    let mut user = alice();
    user.profile.insert("groups".to_owned(), serde_json::json!(["a", "b"]));
    user.profile.insert("email_verified".to_owned(), "true".into());
    Owner::new().with(|| {
        provide_context(user);
        let auth = provide_session_auth(SessionRoutes::default());
        let claims = auth.claims::<Claims>().unwrap();
        assert_eq!((claims.name.as_str(), claims.groups.len()), ("Alice", 2));
        let texts = |name: &'static str| {
            auth.with_user(|user| user.claim_texts(name).join(" ")).unwrap_or_default()
        };
        assert_eq!(
            (texts("groups"), texts("role"), texts("none")),
            ("a b".into(), "admin".into(), String::new())
        );
        assert_eq!(auth.with_user(|user| user.claim_is_true("email_verified")), Some(true));
        assert_eq!(auth.claims::<Vec<String>>().map(|claims| claims.len()), None);
    });
}

#[cfg(feature = "policy")]
mod server_functions {
    use std::sync::LazyLock;

    use super::{authorized::decided, *};

    struct Admins;

    impl RequiredPolicy for Admins {
        fn policies() -> &'static [Policy] {
            static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
                [Policy::require_role("admin"), Policy::require_recent_sign_in(60)]
            });
            &*POLICIES
        }
    }

    #[test]
    fn the_policy_decides_by_the_session() {
        assert_eq!(decided::<Admins>(None, 0), Err(NotAuthorized::SignedOut));
        let nobody = ServerUser::new(serde_json::Map::new());
        assert_eq!(decided::<Admins>(Some(nobody), 0), Err(NotAuthorized::SignedOut));
        let mut user = alice();
        user.profile.insert("auth_time".to_owned(), 1000.into());
        assert_eq!(decided::<Admins>(Some(user.clone()), 1060), Ok(user.clone()));
        let stale = decided::<Admins>(Some(user.clone()), 9999);
        assert!(matches!(stale, Err(NotAuthorized::StepUp(_))), "{stale:?}");
        user.profile.insert("role".to_owned(), "user".into());
        let denied = decided::<Admins>(Some(user), 1000);
        assert!(matches!(&denied, Err(NotAuthorized::Denied(_))), "{denied:?}");
        assert!(denied.unwrap_err().to_string().starts_with("the user needs"));
    }

    /// The principal of `doorward-axum`: with roles, scope and claims of the access token.
    #[test]
    fn server_functions_and_pages_decide_as_the_session_does() {
        struct Orders;

        impl RequiredPolicy for Orders {
            fn policies() -> &'static [Policy] {
                static POLICIES: LazyLock<[Policy; 2]> =
                    LazyLock::new(|| [Policy::require_scope("orders"), Policy::require_role("a")]);
                &*POLICIES
            }
        }

        let principal = Principal::new("1").with_claim("role", "a");
        for (scope, is_allowed) in [
            ("openid orders".into(), true),
            (serde_json::json!(["openid", "orders"]), true),
            ("openid".into(), false),
        ] {
            let principal = principal.clone().with_claim("scope", scope);
            let user = ServerUser::from(principal.clone());
            assert_eq!(decided::<Orders>(Some(user.clone()), 0).is_ok(), is_allowed);
            Owner::new().with(|| {
                provide_context(user);
                let auth = provide_session_auth(SessionRoutes::default());
                let of_page = auth.principal().unwrap();
                assert_eq!(of_page.has_scope("orders"), is_allowed);
                assert!(of_page.has_role("a"));
                let scopes = auth.with_user(|user| user.scopes().count());
                assert_eq!(scopes, Some(1 + usize::from(is_allowed)));
            });
        }
    }

    #[test]
    fn a_sign_in_that_a_policy_asks_for_has_to_bring_what_it_asks_for() {
        let asked = |acr_values: &[&str], max_age| {
            let acr_values = acr_values.iter().map(|&value| value.to_owned()).collect();
            let refused = NotAuthorized::StepUp(doorward_policy::StepUp { acr_values, max_age });
            refused.sign_in_args().unwrap()
        };
        let both = asked(&["2", "3"], Some(300));
        assert_eq!(both.acr_values.as_deref(), Some("2 3"));
        assert_eq!(both.required_acr.as_deref(), Some("2 3"), "a provider may ignore acr_values");
        assert_eq!((both.max_age, both.prompt), (Some(300), None));
        let age = asked(&[], Some(300));
        assert_eq!((age.acr_values, age.required_acr, age.max_age), (None, None, Some(300)));
        assert_eq!(NotAuthorized::Denied(Vec::new()).sign_in_args().map(drop), None);
    }

    #[test]
    fn the_context_is_read_when_it_is_called() {
        let found = Owner::new().with(|| {
            provide_context(alice());
            authorized::<Admins>()
        });
        // It may be awaited where the context is gone. The sign-in is too old.
        let found = futures::executor::block_on(found);
        assert!(matches!(found, Err(NotAuthorized::StepUp(_) | NotAuthorized::Denied(_))));
    }
}

#[cfg(feature = "router")]
#[test]
fn a_protected_route_shows_its_view_to_users() {
    use leptos_router::{
        components::{Router, Routes},
        location::RequestUrl,
        path,
    };

    for (user, shown) in [(Some(alice()), "the order"), (None, "")] {
        let html = Owner::new().with(|| {
            provide_context(RequestUrl::new("/orders/7?page=2"));
            if let Some(user) = user {
                provide_context(user);
            }
            provide_session_auth(SessionRoutes::default());
            view! {
                <Router>
                    <Routes fallback=|| "no such page">
                        <ProtectedRoute
                            path=path!("/orders/:id")
                            view=|| "the order"
                            loading=|| "going"
                        />
                    </Routes>
                </Router>
            }
            .to_html()
        });
        assert!(!html.contains("no such page"), "{html}");
        assert_eq!(html.contains("the order"), !shown.is_empty(), "{html}");
        // Who is sent to the provider sees what others see while nothing is known yet.
        assert_eq!(html.contains("going"), shown.is_empty(), "{html}");
    }
}
