//! Identities at other providers: whose account it is, what becomes of somebody who is new here,
//! and `/account/identities`.

mod decision;
mod own_address;

use axum::http::StatusCode;
use doorward_protocol::{
    ids::{ClientId, Sub},
    secret::Secret,
};
use doorward_provider::{
    model::{
        account_settings::{AccountSettings, Registration},
        email::EmailAddress,
        external_identity::{LinkIntent, StoredIdentity, UpstreamUser},
        group::{Group, StoredGroup},
        identity_provider::{FirstSignIn, IdentityProvider, IdentityProviderName, ScimLink},
        outbox::MailKind,
        provisioning::{Provisioned, UserMarks},
        session::{Authentication, Device},
        time::{SystemEntropy, Timestamp},
        token_handle::TokenHandle,
        user::User,
    },
    store::RemovedIdentity,
    use_case::{
        accounts::{Asker, Invitation},
        administration::users::new_user,
        external_sign_in::{ExternalLink, ExternalRefusal, ExternalSignIn, ExternalVisit},
        sign_in::SignIn,
    },
};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    factors::add_passkey_in,
    support::{Browser, Setup, World, alice},
};

const ISSUER: &str = "https://up.example";
const HERE: &str = "/account/identities";

const ASKER: Asker<'static> = Asker {
    address: "192.0.2.1",
    browser: Some("Firefox, Linux"),
    language: "en",
    mark: None,
    client_id: None,
};

/// A provider that makes accounts.
fn up() -> IdentityProvider {
    let name = IdentityProviderName::parse("up").unwrap();
    IdentityProvider {
        title: "Upstairs".to_owned(),
        first_sign_in: FirstSignIn::Create,
        ..IdentityProvider::new(name, ISSUER)
    }
}

/// The same, believed for the addresses of a domain.
fn believed() -> IdentityProvider {
    IdentityProvider { trusted_email_domains: vec!["example.com".to_owned()], ..up() }
}

fn with_rules(rules: Value) -> IdentityProvider {
    IdentityProvider { claims: serde_json::from_value(rules).unwrap(), ..up() }
}

async fn world(provider: &IdentityProvider) -> World {
    let accounts = AccountSettings {
        mail: true,
        registration: Registration::Invitation,
        ..AccountSettings::default()
    };
    let identity_providers = vec![provider.clone()];
    World::with(Setup { accounts, identity_providers, ..Setup::default() }).await
}

fn says(sub: &str, claims: Value) -> UpstreamUser {
    let Value::Object(claims) = claims else { unreachable!() };
    UpstreamUser {
        issuer: ISSUER.to_owned(),
        sub: sub.to_owned(),
        claims,
        auth_time: None,
        amr: Vec::new(),
        acr: None,
        sid: None,
        provisioned_as: None,
    }
}

const VISIT: ExternalVisit<'static> =
    ExternalVisit { asker: ASKER, invitation: None, return_url: None, remember: false };

async fn visit(world: &World, provider: &IdentityProvider, user: &UpstreamUser) -> ExternalSignIn {
    world.provider.external_sign_ins().sign_in(provider, user, VISIT).await.unwrap()
}

fn signed_in(outcome: ExternalSignIn) -> (User, SignIn) {
    match outcome {
        ExternalSignIn::SignedIn { user, sign_in } => (*user, sign_in),
        other => panic!("{other:?}"),
    }
}

fn refusal(outcome: &ExternalSignIn) -> ExternalRefusal {
    match outcome {
        ExternalSignIn::Refused(refusal) => *refusal,
        other => panic!("{other:?}"),
    }
}

async fn sign_in(world: &World, provider: &IdentityProvider, user: &UpstreamUser) -> User {
    signed_in(visit(world, provider, user).await).0
}

async fn links(world: &World, sub: &str) -> Vec<StoredIdentity> {
    world.store().external_identities(&Sub::parse(sub).unwrap()).await.unwrap()
}

async fn stored(world: &World, sub: &Sub) -> User {
    world.store().user(sub).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_first_sign_in_makes_an_account_and_the_second_finds_it() {
    let (provider, claims) = (up(), json!({"email": "eve@up.example", "name": "Eve"}));
    let world = world(&provider).await;
    let (first, sign_in) = signed_in(visit(&world, &provider, &says("1", claims)).await);
    assert_eq!(first.username, "eve");
    assert_eq!(first.password_hash, None);
    let claims = Value::Object(first.claims.0.clone());
    let expected = json!({
        "email": "eve@up.example", "email_verified": false, "name": "Eve",
        "preferred_username": "eve",
    });
    assert_eq!(claims, expected, "nobody here has verified the address");
    assert_eq!(sign_in.amr, ["external"]);
    let started = world
        .provider
        .sessions()
        .start_session(&first, sign_in, false, Device::default(), None)
        .await;
    assert!(
        world.provider.sessions().find(Some(&started.unwrap().cookie)).await.unwrap().is_some()
    );
    // The address is another one by now, and somebody else has the first one.
    let moved = says("1", json!({"email": "alice@example.com", "email_verified": true}));
    let again = self::sign_in(&world, &provider, &moved).await;
    assert_eq!(again.sub, first.sub);
    assert_eq!(again.claims, first.claims, "a sign-in changes nothing of the user's own");
    let other = says("2", json!({"email": "eve@up.example", "email_verified": true}));
    assert_ne!(self::sign_in(&world, &provider, &other).await.sub, first.sub);
}

#[tokio::test]
async fn of_many_first_sign_ins_at_once_one_makes_the_account() {
    let provider = up();
    let world = world(&provider).await;
    let before = world.store().users(None, 1000).await.unwrap().len();
    let user = says("1", json!({"preferred_username": "eve"}));
    let outcomes = join_all((0..64).map(|_| sign_in(&world, &provider, &user))).await;
    assert!(outcomes.iter().all(|user| user.sub == outcomes[0].sub));
    assert_eq!(world.store().users(None, 1000).await.unwrap().len(), before + 1);
    assert_eq!(links(&world, &outcomes[0].sub).await.len(), 1);
}

#[tokio::test]
async fn an_account_is_not_found_by_an_address_that_nobody_vouches_for() {
    let provider = believed();
    let world = world(&provider).await;
    for (number, claims) in [
        json!({"email": "alice@example.com"}),
        json!({"email": "alice@example.com", "email_verified": false}),
        json!({"email": "alice@example.com", "email_verified": "true"}),
        json!({"email": ["alice@example.com"], "email_verified": true}),
        json!({"email": "\u{430}lice@example.com", "email_verified": true}),
    ]
    .into_iter()
    .enumerate()
    {
        let user = sign_in(&world, &provider, &says(&number.to_string(), claims.clone())).await;
        assert_ne!(user.sub.as_str(), "alice", "{claims}");
        assert_ne!(user.verified_email().as_deref(), Some("alice@example.com"), "{claims}");
    }
    assert!(links(&world, "alice").await.is_empty());
    assert_eq!(stored(&world, &alice().sub).await, alice());
}

#[tokio::test]
async fn an_address_that_a_strange_provider_vouches_for_leads_to_no_account() {
    for first_sign_in in [FirstSignIn::Create, FirstSignIn::Ask, FirstSignIn::Invitation] {
        let trusted_email_domains = vec!["other.example".to_owned()];
        let provider = IdentityProvider { trusted_email_domains, first_sign_in, ..up() };
        let world = world(&provider).await;
        let user = says("1", json!({"email": "Alice@example.com", "email_verified": true}));
        let outcome = visit(&world, &provider, &user).await;
        let ExternalSignIn::Ask(handle) = outcome else { panic!("{outcome:?}") };
        let pending = world.provider.external_sign_ins().pending(&handle).await.unwrap().unwrap();
        assert!(!pending.may_create, "there is an account, whose owner can sign in");
        // Nobody makes an account beside it by asking for one.
        let made = world.provider.external_sign_ins().create_pending(&handle, ASKER).await.unwrap();
        assert_eq!(refusal(&made), ExternalRefusal::NoAccount);
        assert!(links(&world, "alice").await.is_empty());
        assert_eq!(stored(&world, &alice().sub).await, alice());
    }
}

#[tokio::test]
async fn an_account_is_linked_by_an_address_that_both_sides_have_verified() {
    let provider = believed();
    let world = world(&provider).await;
    let user = says("1", json!({"email": "Alice@EXAMPLE.com", "email_verified": true}));
    assert_eq!(sign_in(&world, &provider, &user).await.sub.as_str(), "alice");
    let link = &links(&world, "alice").await[0];
    assert_eq!((link.id.issuer.as_str(), link.id.subject.as_str()), (ISSUER, "1"));
    assert_eq!(link.shown.as_deref(), Some("Alice@EXAMPLE.com"));
    let mail = world.mail_to("alice@example.com").await;
    assert_eq!(mail.kind, MailKind::FactorAdded);
    assert_eq!(mail.data["factor"], "Upstairs (Alice@EXAMPLE.com)");
    let events = world.store().account_events(&alice().sub, None, 10).await.unwrap();
    assert_eq!(events[0].event.kind.as_str(), "identity_linked");
    // The account's own address is not verified: it belongs to whoever shows that it is theirs.
    let mut dave = User { sub: "dave".parse().unwrap(), username: "dave".to_owned(), ..alice() };
    dave.claims_mut().insert("email".to_owned(), "dave@example.com".into());
    dave.claims_mut().insert("email_verified".to_owned(), false.into());
    world.import(dave).await;
    let user = says("2", json!({"email": "dave@example.com", "email_verified": true}));
    let real = sign_in(&world, &provider, &user).await;
    assert_ne!(real.sub.as_str(), "dave");
    assert_eq!(real.verified_email().as_deref(), Some("dave@example.com"));
    assert!(links(&world, "dave").await.is_empty());
}

#[tokio::test]
async fn a_second_identity_with_the_address_is_linked_by_the_user_only() {
    let provider = believed();
    let world = world(&provider).await;
    let address = json!({"email": "alice@example.com", "email_verified": true});
    let first = says("1", address.clone());
    assert_eq!(sign_in(&world, &provider, &first).await.sub.as_str(), "alice");
    // Somebody else has the address there by now.
    let outcome = visit(&world, &provider, &says("2", address.clone())).await;
    let ExternalSignIn::Ask(handle) = outcome else { panic!("{outcome:?}") };
    let pending = world.provider.external_sign_ins().pending(&handle).await.unwrap().unwrap();
    assert!(!pending.may_create, "there is an account, whose owner can sign in");
    assert_eq!(links(&world, "alice").await.len(), 1);
    let alice = Browser::signed_in(&world, "alice").await;
    let cookie = TokenHandle::parse(&alice.session().unwrap());
    let session = world.provider.sessions().find(Some(&cookie)).await.unwrap().unwrap();
    let link = world
        .provider
        .external_sign_ins()
        .link_pending(&session.authentication, &handle, ASKER)
        .await;
    assert_eq!(link.unwrap(), ExternalLink::Linked);
    // One of another issuer is the first one there.
    let issuer = "https://real.example".to_owned();
    let other = UpstreamUser { issuer, ..says("1", address) };
    assert_eq!(sign_in(&world, &provider, &other).await.sub.as_str(), "alice");
    assert_eq!(links(&world, "alice").await.len(), 3);
}

#[tokio::test]
async fn a_link_that_the_user_removed_does_not_come_back_by_itself() {
    let provider = believed();
    let world = world(&provider).await;
    let user = says("1", json!({"email": "alice@example.com", "email_verified": true}));
    assert_eq!(sign_in(&world, &provider, &user).await.sub.as_str(), "alice");
    let mut alice = Browser::signed_in(&world, "alice").await;
    alice.get(HERE).await;
    let token = alice.cookie("doorward.form").unwrap().to_owned();
    let remove = [("form_token", token.as_str()), ("issuer", ISSUER), ("subject", "1")];
    assert_eq!(alice.post(HERE, &remove).await.status, StatusCode::SEE_OTHER);
    // The same identity, and another one with the address.
    for subject in ["1", "2"] {
        let user = UpstreamUser { sub: subject.to_owned(), ..user.clone() };
        let outcome = visit(&world, &provider, &user).await;
        let ExternalSignIn::Ask(handle) = outcome else { panic!("{outcome:?}") };
        let pending = world.provider.external_sign_ins().pending(&handle).await.unwrap().unwrap();
        assert!(!pending.may_create, "there is an account, whose owner can sign in");
    }
    assert!(links(&world, "alice").await.is_empty());
    let outcome = visit(&world, &provider, &user).await;
    let ExternalSignIn::Ask(handle) = outcome else { panic!("{outcome:?}") };
    let cookie = TokenHandle::parse(&alice.session().unwrap());
    let session = world.provider.sessions().find(Some(&cookie)).await.unwrap().unwrap();
    let link = world
        .provider
        .external_sign_ins()
        .link_pending(&session.authentication, &handle, ASKER)
        .await;
    assert_eq!(link.unwrap(), ExternalLink::Linked, "by the owner's wish");
    assert_eq!(sign_in(&world, &provider, &user).await.sub.as_str(), "alice");
}

#[tokio::test]
async fn a_link_with_a_provider_that_is_gone_is_no_way_in() {
    let provider = up();
    let world = world(&provider).await;
    let (user, by_link) = signed_in(visit(&world, &provider, &says("1", json!({}))).await);
    let browser = browser_of(&world, &user, by_link).await;
    let cookie = TokenHandle::parse(&browser.session().unwrap());
    let session = world.provider.sessions().find(Some(&cookie)).await.unwrap().unwrap();
    let own = &session.authentication;
    assert_eq!(world.provider.factors().of(&user.sub).await.unwrap().ways_in(), 1);
    // The operators take the provider out of the configuration, and the user has a passkey.
    let world = world.with_identity_providers(vec![]).await;
    assert_eq!(world.provider.factors().of(&user.sub).await.unwrap().ways_in(), 0);
    add_passkey_in(&world, own, 1, "Laptop").await;
    assert!(
        !world.provider.factors().remove_passkey(own, &[1; 20], ASKER).await.unwrap(),
        "the last one"
    );
    // So a recovery code is for the day on which the passkey is lost.
    let codes = world.provider.factors().new_recovery_codes(own, ASKER).await.unwrap();
    let (name, code) = (&user.username, Secret::new(codes[0].shown()));
    let by_code =
        world.provider.second_steps().sign_in_by_recovery_code(name, &code, false, ASKER).await;
    assert!(by_code.unwrap().is_some());
    // The link itself goes: nobody signs in by it.
    let id = links(&world, &user.sub).await[0].id.clone();
    let removed = world.provider.external_sign_ins().unlink(own, &id, ASKER).await.unwrap();
    assert_eq!(removed, RemovedIdentity::Removed);
}

#[tokio::test]
async fn who_signs_in_elsewhere_has_recovery_codes_for_the_second_step_only() {
    let provider = up();
    let world = world(&provider).await;
    let (user, by_link) = signed_in(visit(&world, &provider, &says("1", json!({}))).await);
    let browser = browser_of(&world, &user, by_link).await;
    let cookie = TokenHandle::parse(&browser.session().unwrap());
    let session = world.provider.sessions().find(Some(&cookie)).await.unwrap().unwrap();
    add_passkey_in(&world, &session.authentication, 1, "Laptop").await;
    let codes =
        world.provider.factors().new_recovery_codes(&session.authentication, ASKER).await.unwrap();
    let code = Secret::new(codes[0].shown());
    let by_code = async |user: &User| {
        let name = &user.username;
        world
            .provider
            .second_steps()
            .sign_in_by_recovery_code(name, &code, false, ASKER)
            .await
            .unwrap()
    };
    assert!(by_code(&user).await.is_none());
    let amr = vec!["otp".to_owned()];
    let by_code_alone = Authentication { amr, ..session.authentication };
    world.clock.advance(1);
    let later = Authentication { auth_time: world.provider.now(), ..by_code_alone };
    assert!(!world.provider.factors().is_strong_enough(&later).await.unwrap());
    // Without the link it is for the day on which the passkey is lost.
    let id = links(&world, &user.sub).await[0].id.clone();
    world.provider.external_sign_ins().unlink(&later, &id, ASKER).await.unwrap();
    assert!(world.provider.factors().is_strong_enough(&later).await.unwrap());
    assert!(by_code(&user).await.is_some());
}

#[tokio::test]
async fn an_account_that_was_made_beforehand_is_not_the_victims() {
    // A stranger signs in with the victim's address, and waits for the victim.
    let (strange, real) = (up(), believed());
    let world = world(&strange).await;
    let trap = says("stranger", json!({"email": "victim@example.com", "email_verified": true}));
    let trap = sign_in(&world, &strange, &trap).await;
    assert_eq!(trap.verified_email(), None);
    let victim = UpstreamUser {
        issuer: "https://real.example".to_owned(),
        ..says("victim", json!({"email": "victim@example.com", "email_verified": true}))
    };
    let victim = sign_in(&world, &real, &victim).await;
    assert_ne!(victim.sub, trap.sub);
    assert_eq!(victim.verified_email().as_deref(), Some("victim@example.com"));
    assert_eq!(links(&world, &trap.sub).await.len(), 1);
}

#[tokio::test]
async fn a_user_of_scim_is_linked_at_the_first_sign_in_and_nobody_else() {
    let client = ClientId::parse("entra").unwrap();
    let scim_link = Some(ScimLink { client: client.clone(), claim: "oid".to_owned() });
    let provider = IdentityProvider { scim_link, ..up() };
    let world = world(&provider).await;
    let add = async |sub: &str, external_id: &str, change: fn(&mut User)| {
        let mut user = new_user(Some(sub.parse().unwrap()), sub.to_owned(), &SystemEntropy);
        let added_at = Some(Timestamp::from_seconds(1));
        UserMarks { client: Some(client.clone()), added_at, ..UserMarks::default() }.put(&mut user);
        change(&mut user);
        let of = Provisioned::User(user.sub.clone());
        world.store().put_user(user, Timestamp::from_seconds(1)).await.unwrap();
        world.store().set_external_id(&client, &of, Some(external_id)).await.unwrap();
    };
    add("ada", "oid-ada", |_| {}).await;
    add("gone", "oid-gone", |user| user.enabled = false).await;
    add("boss", "oid-boss", |user| {
        user.claims_mut().insert("admin_role".to_owned(), json!("owner"));
    })
    .await;
    add("owned", "oid-owned", |user| user.password_hash = alice().password_hash).await;
    add("twin-1", "oid-twin", |_| {}).await;
    add("twin-2", "oid-twin", |_| {}).await;
    add("taken-over", "oid-taken-over", |user| {
        UserMarks { added_at: None, ..UserMarks::of(user) }.put(user);
        user.enabled = false;
    })
    .await;
    add("of-okta", "oid-okta", |user| {
        let client = Some(ClientId::parse("okta").unwrap());
        UserMarks { client, ..UserMarks::of(user) }.put(user);
    })
    .await;
    let comes = |sub: &str, called: &str| {
        let provisioned_as = Some(called.to_owned());
        UpstreamUser { provisioned_as, ..says(sub, json!({})) }
    };
    for called in ["oid-gone", "oid-taken-over"] {
        let outcome = visit(&world, &provider, &comes("0", called)).await;
        assert_eq!(refusal(&outcome), ExternalRefusal::Disabled, "no second account");
    }
    assert_eq!(sign_in(&world, &provider, &comes("1", "oid-ada")).await.sub.as_str(), "ada");
    assert_eq!(links(&world, "ada").await.len(), 1);
    assert_eq!(sign_in(&world, &provider, &comes("1", "oid-ada")).await.sub.as_str(), "ada");
    // Somebody else with this identifier is not the user who signs in already.
    for (sub, called) in [
        ("2", "oid-ada"),
        ("3", "oid-boss"),
        ("4", "oid-owned"),
        ("5", "oid-twin"),
        ("6", "oid-okta"),
        ("7", ""),
    ] {
        let user = sign_in(&world, &provider, &comes(sub, called)).await;
        assert!(user.claims.0.get("scim_state").is_none(), "{called}: {}", user.sub);
    }
    // Who had an account before SCIM added them does not sign in by it when SCIM disables them.
    let early = comes("9", "oid-late");
    sign_in(&world, &provider, &early).await;
    add("late", "oid-late", |user| user.enabled = false).await;
    assert_eq!(refusal(&visit(&world, &provider, &early).await), ExternalRefusal::Disabled);
    // Without the setting nobody is linked so.
    add("eve", "oid-eve", |_| {}).await;
    assert_ne!(sign_in(&world, &up(), &comes("8", "oid-eve")).await.sub.as_str(), "eve");
}

#[tokio::test]
async fn the_same_subject_at_another_issuer_is_somebody_else() {
    let provider = up();
    let world = world(&provider).await;
    let own = sign_in(&world, &provider, &says("1", json!({}))).await;
    for issuer in
        ["https://UP.example", "https://up.example/", "https://up.example/x", "http://up.example"]
    {
        let user = UpstreamUser { issuer: issuer.to_owned(), ..says("1", json!({})) };
        assert_ne!(sign_in(&world, &provider, &user).await.sub, own.sub, "{issuer}");
    }
    assert_ne!(sign_in(&world, &provider, &says("01", json!({}))).await.sub, own.sub);
}

#[tokio::test]
async fn a_subject_that_is_none_is_refused() {
    let provider = up();
    let world = world(&provider).await;
    let before = world.store().users(None, 1000).await.unwrap().len();
    for subject in ["", "\u{e9}", "a\nb", &"x".repeat(256), &"x".repeat(10_240)] {
        let outcome = visit(&world, &provider, &says(subject, json!({}))).await;
        assert_eq!(refusal(&outcome), ExternalRefusal::NoIdentity);
    }
    let foreign = UpstreamUser {
        issuer: "https://up.ex\u{430}mple".to_owned(),
        ..says("1", json!({"email": "alice@example.com"}))
    };
    let outcome = visit(&world, &provider, &foreign).await;
    assert_eq!(refusal(&outcome), ExternalRefusal::NoIdentity);
    assert_eq!(world.store().users(None, 1000).await.unwrap().len(), before);
}

#[tokio::test]
async fn a_disabled_user_stays_out() {
    let provider = believed();
    let world = world(&provider).await;
    let user = says("1", json!({"email": "alice@example.com", "email_verified": true}));
    world.disable("alice").await;
    let outcome = visit(&world, &provider, &user).await;
    assert_eq!(refusal(&outcome), ExternalRefusal::Disabled, "not linked by the address");
    assert!(links(&world, "alice").await.is_empty());
    world.import(alice()).await;
    sign_in(&world, &provider, &user).await;
    world.disable("alice").await;
    let outcome = visit(&world, &provider, &user).await;
    assert_eq!(refusal(&outcome), ExternalRefusal::Disabled);
}

#[tokio::test]
async fn names_are_free_and_look_like_nobody_elses() {
    let provider = up();
    let world = world(&provider).await;
    let mut names = Vec::new();
    for (number, claims) in [
        json!({"preferred_username": "alice"}),
        json!({"preferred_username": "ALICE"}),
        json!({"preferred_username": "admin", "email": "ada@up.example"}),
        json!({"preferred_username": "carol@example.com"}),
        json!({"preferred_username": "\u{430}lice", "name": "Ada L"}),
        json!({"preferred_username": "a\u{200b}b"}),
        json!({"preferred_username": "x".repeat(5000)}),
        json!({"preferred_username": 7}),
        json!({}),
    ]
    .into_iter()
    .enumerate()
    {
        names.push(sign_in(&world, &provider, &says(&number.to_string(), claims)).await.username);
    }
    assert_eq!(names[..5], ["alice-2", "ALICE-3", "ada", "carol-2", "Ada L"]);
    assert!(names[5].starts_with("user-") && names[8].starts_with("user-"), "{names:?}");
    assert_eq!(names[6].len(), 60);
    // All letters of another script, which look like a Latin name.
    let imitated = says("i", json!({"preferred_username": "\u{441}\u{43e}\u{440}\u{430}"}));
    world
        .import(User {
            sub: "copa".parse().unwrap(),
            username: "copa".to_owned(),
            ..{
                let mut user = alice();
                user.claims_mut().remove("email_verified");
                user
            }
        })
        .await;
    assert_ne!(
        sign_in(&world, &provider, &imitated).await.username,
        "\u{441}\u{43e}\u{440}\u{430}"
    );
}

#[tokio::test]
async fn who_has_no_account_is_asked_or_refused_as_it_is_set() {
    let user = says("1", json!({"preferred_username": "eve"}));
    let refusing = IdentityProvider { first_sign_in: FirstSignIn::Refuse, ..believed() };
    let world = world(&refusing).await;
    let outcome = visit(&world, &refusing, &user).await;
    assert_eq!(refusal(&outcome), ExternalRefusal::NoAccount);
    let known = says("2", json!({"email": "alice@example.com", "email_verified": true}));
    assert_eq!(sign_in(&world, &refusing, &known).await.sub.as_str(), "alice");
    let asking = IdentityProvider { first_sign_in: FirstSignIn::Ask, ..up() };
    let outcome = visit(&world, &asking, &user).await;
    let ExternalSignIn::Ask(handle) = outcome else { panic!("{outcome:?}") };
    let pending = world.provider.external_sign_ins().pending(&handle).await.unwrap().unwrap();
    assert!(pending.may_create);
    assert_eq!((pending.title.as_str(), pending.shown.as_deref()), ("Upstairs", Some("eve")));
    // However often the form is sent, the ticket counts once.
    let external = world.provider.external_sign_ins();
    let create = || external.create_pending(&handle, ASKER);
    let outcomes = join_all((0..8).map(|_| create())).await;
    let (made, others): (Vec<_>, Vec<_>) = outcomes
        .into_iter()
        .map(Result::unwrap)
        .partition(|outcome| matches!(outcome, ExternalSignIn::SignedIn { .. }));
    assert_eq!(made.len(), 1);
    assert!(others.iter().all(|one| refusal(one) == ExternalRefusal::Expired));
    assert!(world.provider.external_sign_ins().pending(&handle).await.unwrap().is_none());
}

#[tokio::test]
async fn a_decision_waits_for_ten_minutes_and_few_wait_for_one_identity() {
    let asking = IdentityProvider { first_sign_in: FirstSignIn::Ask, ..up() };
    let world = world(&asking).await;
    let user = says("1", json!({}));
    let outcome = visit(&world, &asking, &user).await;
    let ExternalSignIn::Ask(handle) = outcome else { panic!("{outcome:?}") };
    for _ in 0..9 {
        assert!(matches!(visit(&world, &asking, &user).await, ExternalSignIn::Ask(_)));
    }
    let outcome = visit(&world, &asking, &user).await;
    assert_eq!(refusal(&outcome), ExternalRefusal::TooOften);
    world.clock.advance(600);
    assert!(world.provider.external_sign_ins().pending(&handle).await.unwrap().is_none());
    let made = world.provider.external_sign_ins().create_pending(&handle, ASKER).await.unwrap();
    assert_eq!(refusal(&made), ExternalRefusal::Expired);
}

/// The path of the link of an invitation of Eve, who will be an editor.
async fn invitation_of(world: &World) -> String {
    let Value::Object(claims) = json!({"role": ["editor"]}) else { unreachable!() };
    let invitation = Invitation {
        email: EmailAddress::parse("eve@example.com").unwrap(),
        name: Some("Eve Example".to_owned()),
        claims,
        groups: vec!["crew".parse().unwrap()],
        lifetime: 3600,
        language: None,
    };
    let group = StoredGroup { group: Group::new("crew".parse().unwrap()), version: 1 };
    world.store().add_group(group).await.unwrap();
    world.invitations("").invite(invitation).await.unwrap()
}

#[tokio::test]
async fn an_invitation_makes_the_account_that_it_promises_once() {
    let inviting = IdentityProvider { first_sign_in: FirstSignIn::Invitation, ..up() };
    let world = world(&inviting).await;
    let user = says("1", json!({"email": "private@up.example", "email_verified": true}));
    let outcome = visit(&world, &inviting, &user).await;
    assert_eq!(refusal(&outcome), ExternalRefusal::NoInvitation);
    let link = invitation_of(&world).await;
    let handle = TokenHandle::parse(link.split_once("token=").unwrap().1);
    let follow = async |user: &UpstreamUser, handle: &TokenHandle| {
        let visit = ExternalVisit { invitation: Some(handle), ..VISIT };
        world.provider.external_sign_ins().sign_in(&inviting, user, visit).await.unwrap()
    };
    let wrong = TokenHandle::parse(&"A".repeat(43));
    assert_eq!(refusal(&follow(&user, &wrong).await), ExternalRefusal::NoInvitation);
    let (made, _) = signed_in(follow(&user, &handle).await);
    assert_eq!(made.verified_email().as_deref(), Some("eve@example.com"));
    assert!(made.has_role("editor"));
    let members = world.store().group_members(&"crew".parse().unwrap(), None, 5).await.unwrap();
    assert_eq!(members, std::slice::from_ref(&made.sub));
    assert_eq!(made.claims.0["name"], "Eve Example");
    let second = follow(&says("2", json!({})), &handle).await;
    assert_eq!(refusal(&second), ExternalRefusal::NoInvitation, "it counts once");
}

#[tokio::test]
async fn what_is_mapped_follows_each_sign_in_and_leaves_what_was_set_here() {
    let provider = with_rules(json!([
        {"claim": "role", "value": "editor", "when": [{"pointer": "/groups", "contains": "eds"}]},
        {"claim": "role", "value": "user"},
        {"claim": "department", "from": "/org/unit"},
        {"claim": "groups", "from": "/groups", "only": ["eds", "sales"]},
    ]));
    let world = world(&provider).await;
    let groups = |groups: Value| says("1", json!({"groups": groups, "org": {"unit": "IT"}}));
    let user = sign_in(&world, &provider, &groups(json!(["eds", "admins"]))).await;
    assert!(user.has_role("editor") && user.has_role("user"));
    let all = |user: &User, name: &str| user.all_claims(|_| false).0.get(name).cloned();
    assert_eq!(all(&user, "department"), Some(json!("IT")));
    assert_eq!(all(&user, "groups"), Some(json!(["eds"])));
    // An operator gives the role, too.
    let mut given = user.clone();
    given.claims_mut().insert("role".to_owned(), json!(["editor", "auditor"]));
    world.store().put_user(given, Timestamp::from_seconds(0)).await.unwrap();
    let user = sign_in(&world, &provider, &groups(json!(["sales"]))).await;
    assert_eq!(all(&user, "role"), Some(json!(["editor", "auditor", "user"])));
    assert_eq!(all(&user, "groups"), Some(json!(["sales"])));
    let mut taken = user.clone();
    taken.claims_mut().remove("role");
    world.store().put_user(taken, Timestamp::from_seconds(0)).await.unwrap();
    let user = sign_in(&world, &provider, &says("1", json!({}))).await;
    assert_eq!(all(&user, "role"), Some(json!(["user"])));
    assert_eq!(all(&user, "groups"), None);
    assert_eq!(all(&user, "department"), None);
}

#[tokio::test]
async fn nothing_that_a_provider_says_is_a_right_without_a_rule() {
    let provider = up();
    let world = world(&provider).await;
    let hostile = says(
        "1",
        json!({
            "role": ["admin"], "roles": ["admin"], "groups": ["admin"], "admin_role": "owner",
            "sub": "alice", "iss": "http://localhost:6001", "amr": ["mfa"], "acr": "2",
            "scope": "admin", "client_id": "x", "auth_time": 9_999_999_999_i64,
            "email": "eve@up.example", "email_verified": true,
        }),
    );
    let hostile = UpstreamUser {
        amr: vec!["mfa".to_owned()],
        acr: Some("urn:doorward:acr:2".to_owned()),
        ..hostile
    };
    let (user, sign_in) = signed_in(visit(&world, &provider, &hostile).await);
    let all = Value::Object(user.all_claims(|_| true).0.clone());
    let expected = json!({
        "email": "eve@up.example", "email_verified": false, "preferred_username": "eve",
    });
    assert_eq!(all, expected);
    assert_eq!(user.admin_role(), None);
    assert_ne!(user.sub.as_str(), "alice");
    assert_eq!(sign_in.amr, ["external"]);
    assert!(sign_in.auth_time.is_none_or(|at| at <= world.provider.now()));
}

#[tokio::test]
async fn a_session_says_when_the_user_proved_it_and_never_later_than_now() {
    let provider = up();
    let world = world(&provider).await;
    let now = world.clock.seconds();
    let cases = [(None, now - 3600), (Some(now - 500), now - 500), (Some(now + 500), now)];
    for (told, expected) in cases {
        let auth_time = told.map(Timestamp::from_seconds);
        let user = UpstreamUser { auth_time, ..says("1", json!({})) };
        let (user, sign_in) = signed_in(visit(&world, &provider, &user).await);
        let started = world
            .provider
            .sessions()
            .start_session(&user, sign_in, false, Device::default(), None)
            .await;
        let session = world.provider.sessions().find(Some(&started.unwrap().cookie)).await.unwrap();
        assert_eq!(session.unwrap().authentication.auth_time.seconds(), expected);
    }
}

#[tokio::test]
async fn a_link_ends_in_the_session_in_which_it_began() {
    let provider = up();
    let world = world(&provider).await;
    let attacker = Browser::signed_in(&world, "carol").await;
    let victim = Browser::signed_in(&world, "alice").await;
    let session = async |browser: &Browser<'_>| {
        let cookie = TokenHandle::parse(&browser.session().unwrap());
        world.provider.sessions().find(Some(&cookie)).await.unwrap().unwrap()
    };
    let (attackers, victims) = (session(&attacker).await, session(&victim).await);
    let intent = LinkIntent::of(&attackers.authentication);
    let link = async |session, user: &UpstreamUser| {
        let linked =
            world.provider.external_sign_ins().link(session, &intent, &provider, user, ASKER).await;
        linked.unwrap()
    };
    let user = says("1", json!({"email": "carol@up.example"}));
    let foreign = ExternalLink::Refused(ExternalRefusal::OtherSession);
    assert_eq!(link(Some(&victims), &user).await, foreign, "led through the end of it");
    assert_eq!(link(None, &user).await, foreign);
    let another = session(&Browser::signed_in(&world, "carol").await).await;
    assert_eq!(link(Some(&another), &user).await, foreign, "of the same user");
    assert!(links(&world, "alice").await.is_empty() && links(&world, "carol").await.is_empty());
    assert_eq!(link(Some(&attackers), &user).await, ExternalLink::Linked);
    assert_eq!(link(Some(&attackers), &user).await, ExternalLink::WasLinked);
    let mails = world.mails().await;
    let told = mails.iter().filter(|mail| mail.kind == MailKind::FactorAdded);
    assert_eq!(told.map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["carol@example.com"]);
    let intent = LinkIntent::of(&victims.authentication);
    let taken = world
        .provider
        .external_sign_ins()
        .link(Some(&victims), &intent, &provider, &user, ASKER)
        .await;
    let taken = taken.unwrap();
    assert_eq!(taken, ExternalLink::Refused(ExternalRefusal::OfAnother));
    assert_eq!(links(&world, "carol").await.len(), 1, "it stays theirs");
}

/// A browser in which the user signed in by the identity just now.
async fn browser_of<'w>(world: &'w World, user: &User, sign_in: SignIn) -> Browser<'w> {
    let sign_in = SignIn { auth_time: None, ..sign_in };
    let started = world
        .provider
        .sessions()
        .start_session(user, sign_in, false, Device::default(), None)
        .await;
    let mut browser = Browser::new(world);
    browser.set_cookie("doorward.session", started.unwrap().cookie.expose());
    browser
}

#[tokio::test]
async fn links_are_listed_and_removed_and_the_last_way_in_stays() {
    let provider = up();
    let world = world(&provider).await;
    let eve = says("1", json!({"email": "eve@up.example"}));
    let (user, by_first) = signed_in(visit(&world, &provider, &eve).await);
    let mut browser = browser_of(&world, &user, by_first).await;
    let page = browser.get(HERE).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Upstairs") && page.body.contains("eve@up.example"));
    let token = browser.cookie("doorward.form").unwrap().to_owned();
    let remove = [("form_token", token.as_str()), ("issuer", ISSUER), ("subject", "1")];
    let refused = browser.post(HERE, &remove).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("could not sign in any more"));
    assert_eq!(links(&world, &user.sub).await.len(), 1);
    // With a second one, the first can go, and the session that began by it goes with it.
    let cookie = TokenHandle::parse(&browser.session().unwrap());
    let session = world.provider.sessions().find(Some(&cookie)).await.unwrap().unwrap();
    let intent = LinkIntent::of(&session.authentication);
    let second = says("2", json!({}));
    let linked = world
        .provider
        .external_sign_ins()
        .link(Some(&session), &intent, &provider, &second, ASKER)
        .await;
    assert_eq!(linked.unwrap(), ExternalLink::Linked);
    let (_, by_second) = signed_in(visit(&world, &provider, &second).await);
    let mut other = browser_of(&world, &user, by_second).await;
    let removed = browser.post(HERE, &remove).await;
    assert_eq!((removed.status, removed.location()), (StatusCode::SEE_OTHER, HERE));
    assert!(browser.get(HERE).await.location().starts_with("/account/login"));
    assert_eq!(other.get(HERE).await.status, StatusCode::OK);
    let left = links(&world, &user.sub).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id.subject.as_str(), "2");
}

#[tokio::test]
async fn only_the_form_of_its_user_removes_a_link() {
    let provider = up();
    let world = world(&provider).await;
    let user = sign_in(&world, &provider, &says("1", json!({}))).await;
    let mut carol = Browser::signed_in(&world, "carol").await;
    carol.get(HERE).await;
    let token = carol.cookie("doorward.form").unwrap().to_owned();
    let fields = [("form_token", token.as_str()), ("issuer", ISSUER), ("subject", "1")];
    carol.post(HERE, &fields).await;
    assert_eq!(links(&world, &user.sub).await.len(), 1, "another user's");
    let own = says("2", json!({}));
    let cookie = TokenHandle::parse(&carol.session().unwrap());
    let session = world.provider.sessions().find(Some(&cookie)).await.unwrap().unwrap();
    let intent = LinkIntent::of(&session.authentication);
    let linked = world
        .provider
        .external_sign_ins()
        .link(Some(&session), &intent, &provider, &own, ASKER)
        .await;
    linked.unwrap();
    let forged = carol.post(HERE, &[("issuer", ISSUER), ("subject", "2")]).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    assert_eq!(links(&world, "carol").await.len(), 1, "without the form token");
    world.clock.advance(301);
    let fields = [("form_token", token.as_str()), ("issuer", ISSUER), ("subject", "2")];
    let old = carol.post(HERE, &fields).await;
    assert!(old.location().starts_with("/account/login"), "it wants a fresh sign-in");
    assert_eq!(links(&world, "carol").await.len(), 1);
}

#[tokio::test]
async fn links_are_in_the_users_data_and_go_with_the_account() {
    let provider = with_rules(json!([{"claim": "site", "from": "/site"}]));
    let world = world(&provider).await;
    let user = says("1", json!({"email": "eve@up.example", "site": "Graz"}));
    let user = sign_in(&world, &provider, &user).await;
    let data = world.provider.user_data().data_of(&user, ASKER).await.unwrap();
    let link = &data["linked_accounts"][0];
    assert_eq!((&link["issuer"], &link["subject"]), (&json!(ISSUER), &json!("1")));
    assert_eq!(
        (&link["name"], &link["claims"]),
        (&json!("eve@up.example"), &json!({"site": "Graz"}))
    );
    world.provider.accounts().delete_account(&user, ASKER).await.unwrap();
    assert!(links(&world, &user.sub).await.is_empty());
    let again = sign_in(&world, &provider, &says("1", json!({}))).await;
    assert_ne!(again.sub, user.sub, "nobody gets the identifier of somebody who was removed");
}
