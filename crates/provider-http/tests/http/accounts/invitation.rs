//! An operator invites somebody, who then has an account with the roles that were arranged.

use axum::http::StatusCode;
use doorward_provider::{
    model::{
        account_settings::{AccountSettings, Registration},
        email::EmailAddress,
        group::{Group, StoredGroup},
        outbox::MailKind,
    },
    use_case::accounts::{Invitation, InviteError},
};
use serde_json::{Value, json};

use super::{GOOD, link, open, world};
use crate::support::{Browser, ISSUER, World};

const EMAIL: &str = "grace@example.com";

fn invitation(email: &str) -> Invitation {
    let Value::Object(claims) = json!({"role": ["admin"]}) else { unreachable!() };
    Invitation {
        email: EmailAddress::parse(email).unwrap(),
        name: Some("Grace Hopper".to_owned()),
        claims,
        groups: vec!["crew".parse().unwrap()],
        lifetime: 604_800,
        language: Some("en".to_owned()),
    }
}

/// Adds the group of the invitation.
async fn add_crew(world: &World) {
    let group = StoredGroup { group: Group::new("crew".parse().unwrap()), version: 1 };
    assert!(world.store().add_group(group).await.unwrap());
}

async fn invited(world: &World) -> String {
    add_crew(world).await;
    world.invitations(ISSUER).invite(invitation(EMAIL)).await.unwrap();
    let mail = world.mail_to(EMAIL).await;
    assert_eq!(mail.kind, MailKind::Invitation);
    link(&mail)
}

fn by_invitation() -> AccountSettings {
    AccountSettings { registration: Registration::Invitation, ..open() }
}

#[tokio::test]
async fn an_invitation_makes_an_account_with_its_roles_once() {
    let world = world(by_invitation()).await;
    let link = invited(&world).await;
    let mut browser = Browser::new(&world);
    let page = browser.get(&link).await.page();
    assert_eq!(page.value("name"), Some("Grace Hopper"));
    let fields = [("username", "grace"), ("password", GOOD), ("repeated", GOOD)];
    let done = browser.submit(&page, &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{done:?}");
    let user = world.store().user_by_username("grace").await.unwrap().unwrap();
    assert_eq!(user.claims.0["role"], json!(["admin"]));
    assert!(!user.claims.0.contains_key("groups"), "it is what the membership gives");
    let names: Vec<&str> = user.groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["crew"]);
    assert_eq!(user.claims.0["email_verified"], json!(true));
    assert_eq!(world.get(&link).await.status, StatusCode::NOT_FOUND);
    let again = world.invitations(ISSUER).invite(invitation(EMAIL)).await;
    assert!(matches!(again, Err(InviteError::Known)), "{again:?}");
}

#[tokio::test]
async fn an_invitation_expires_and_is_taken_only_where_that_is_set() {
    let open_world = world(by_invitation()).await;
    let link = invited(&open_world).await;
    open_world.clock.advance(604_799);
    assert_eq!(open_world.get(&link).await.status, StatusCode::OK);
    let off = AccountSettings { registration: Registration::Off, ..open() };
    let closed = open_world.with_accounts(off).await;
    closed.get(&link).await.expect_error_page(StatusCode::NOT_FOUND);
    open_world.clock.advance(1);
    let late = open_world.get(&link).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND);
    assert!(late.page().text.contains("Ask whoever invited you"));
}

#[tokio::test]
async fn an_invitation_names_groups_that_are_there() {
    let world = world(by_invitation()).await;
    let refused = world.invitations(ISSUER).invite(invitation(EMAIL)).await;
    assert!(matches!(refused, Err(InviteError::NoGroup(name)) if name == "crew"));
    let link = invited(&world).await;
    // It may be gone by the time that somebody follows the link.
    assert!(world.store().remove_group(&"crew".parse().unwrap(), None).await.unwrap());
    let mut browser = Browser::new(&world);
    let page = browser.get(&link).await.page();
    let fields = [("username", "grace"), ("password", GOOD), ("repeated", GOOD)];
    assert_eq!(browser.submit(&page, &fields).await.status, StatusCode::SEE_OTHER);
    let user = world.store().user_by_username("grace").await.unwrap().unwrap();
    assert!(user.groups.is_empty());
}
