//! Every role against every operation, written out by hand from the rules.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use doorward_policy::{Decision, Principal};
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;

fn person(role: &str, scope: AdminScope, acr: &str, age: i64) -> Principal {
    Principal::new("alice")
        .with_claim("client_id", "admin-page")
        .with_claim("scope", scope.name())
        .with_claim(ROLE_CLAIM, role)
        .with_claim("acr", acr)
        .with_claim("auth_time", NOW - age)
}

fn decide(operation: Operation, caller: &Principal) -> Decision {
    operation.policy(&FreshSignIn::default()).decide_at(caller, NOW)
}

/// Who may: owner, admin, helpdesk, auditor, machine; and whether a person needs a fresh sign-in.
/// Without a line for it an operation does not compile.
// The lines follow the objects, as in the guide.
#[allow(clippy::match_same_arms)]
fn expected(operation: Operation) -> (&'static str, bool) {
    use Operation as O;
    match operation {
        O::Me
        | O::Overview
        | O::Activity
        | O::ListUsers
        | O::ReadUser
        | O::ReadFactors
        | O::ListPasskeys
        | O::ListLinks
        | O::ListSessions => ("oahum", false),
        O::ListGrants | O::ListAccountEvents | O::ListInvitations => ("oahum", false),
        O::CreateUser | O::ChangeUser | O::RemoveUser | O::CreateInvitation => ("oam", true),
        O::SetAdminRole => ("oa", true),
        O::ResetPassword | O::ResetFactors | O::RemovePasskey => ("oahm", true),
        O::AddLink | O::RemoveLink => ("oam", true),
        O::EndSessions | O::EndSession => ("oahm", false),
        O::RevokeGrant | O::WithdrawInvitation => ("oam", false),
        O::ListGroups | O::ReadGroup | O::ListMembers => ("oahum", false),
        O::CreateGroup | O::ChangeGroup | O::RemoveGroup => ("oam", true),
        O::AddMember | O::RemoveMember => ("oam", true),
        O::ListDirectories | O::ListDirectoryUsers | O::ReadDirectoryUser => ("oam", false),
        O::ListDirectoryGroups => ("oam", false),
        O::CreateDirectoryUser | O::ChangeDirectoryUser | O::SetDirectoryPassword => ("oam", true),
        O::AddDirectoryMember | O::RemoveDirectoryMember => ("oam", true),
        O::ListEvents | O::ExportEvents => ("oaum", false),
        O::ListClients | O::ReadClient | O::ListSecrets | O::ListResources => ("oaum", false),
        O::CreateClient | O::ChangeClient | O::RemoveClient => ("oam", true),
        O::AddSecret | O::RemoveSecret => ("oam", true),
        O::ListRegisteredClients | O::ListRegistrationTokens => ("oaum", false),
        O::RemoveRegisteredClient => ("oam", true),
        O::AddRegistrationToken | O::RemoveRegistrationToken => ("oam", true),
        O::ListIdentityProviders | O::ReadIdentityProvider => ("oaum", false),
        O::CheckIdentityProvider => ("oaum", false),
        O::CreateIdentityProvider | O::ChangeIdentityProvider => ("om", true),
        O::RemoveIdentityProvider => ("om", true),
        O::ListKeys | O::ListMails | O::ReadConfiguration => ("oaum", false),
        O::RotateKeys | O::RetireKey => ("om", true),
        O::RetryMail => ("oam", false),
    }
}

#[test]
fn each_operation_is_for_whom_it_says() {
    for &operation in Operation::ALL {
        let (who, fresh) = expected(operation);
        for (role, letter) in
            [("owner", 'o'), ("admin", 'a'), ("helpdesk", 'h'), ("auditor", 'u'), ("", '-')]
        {
            let caller = person(role, operation.scope(), "urn:doorward:acr:2", 10);
            let decision = decide(operation, &caller);
            assert_eq!(decision.is_allowed(), who.contains(letter), "{operation:?} as {role:?}");
            for (acr, age) in [("urn:doorward:acr:1", 10), ("urn:doorward:acr:2", 912)] {
                let stale = decide(operation, &person(role, operation.scope(), acr, age));
                let is_allowed = who.contains(letter) && !fresh;
                assert_eq!(stale.is_allowed(), is_allowed, "{operation:?} as {role:?}, {acr}");
                if let Decision::Denied(denial) = stale {
                    // Another sign-in helps those who may, and nobody else.
                    assert_eq!(denial.step_up().is_some(), who.contains(letter), "{operation:?}");
                }
            }
        }
        let machine = Principal::new("robot")
            .with_claim("client_id", "robot")
            .with_claim("scope", operation.scope().name());
        assert_eq!(decide(operation, &machine).is_allowed(), who.contains('m'), "{operation:?}");
    }
}

#[test]
fn without_its_scope_nobody_may() {
    for &operation in Operation::ALL {
        for &scope in AdminScope::ALL.iter().filter(|&&scope| scope != operation.scope()) {
            let owner = person("owner", scope, "urn:doorward:acr:2", 0);
            assert!(!decide(operation, &owner).is_allowed(), "{operation:?} with {scope:?}");
        }
    }
}

#[test]
fn a_person_is_no_machine() {
    let machine = Principal::new("robot").with_claim("client_id", "robot");
    assert!(is_machine(&machine));
    assert!(!is_machine(&machine.clone().with_claim("auth_time", NOW)));
    assert!(!is_machine(&Principal::new("alice").with_claim("client_id", "robot")));
    assert!(!is_machine(&Principal::new("alice")));
}

#[test]
fn a_role_of_an_application_is_no_role_here() {
    let scope = AdminScope::UsersRead;
    let claims = json!({"sub": "alice", "client_id": "page", "auth_time": NOW, "role": "admin",
        "scope": scope.name()});
    let alice = Principal::from_claims(&claims).unwrap();
    assert!(!decide(Operation::ListUsers, &alice).is_allowed());
}

#[test]
fn roles_cover_those_that_may_less() {
    use AdminRole::{Admin, Auditor, Helpdesk, Owner};
    for (role, covered) in [
        (Owner, &[Owner, Admin, Helpdesk, Auditor][..]),
        (Admin, &[Admin, Helpdesk, Auditor]),
        (Helpdesk, &[Helpdesk]),
        (Auditor, &[Auditor]),
    ] {
        for other in AdminRole::ALL {
            assert_eq!(role.covers(other), covered.contains(&other), "{role:?} and {other:?}");
        }
    }
}

#[test]
fn the_table_has_no_line_twice() {
    let names: BTreeSet<_> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(names.len(), Operation::ALL.len());
    let line = |operation: &Operation| (format!("{:?}", operation.method()), operation.path());
    let lines: BTreeSet<_> = Operation::ALL.iter().map(line).collect();
    assert_eq!(lines.len(), Operation::ALL.len());
    for &operation in Operation::ALL {
        assert_eq!(Operation::parse(operation.name()), Some(operation));
        let reads = operation.method() == Method::Get;
        assert_eq!(operation.kind() == OperationKind::Read, reads, "{operation:?}");
        assert_eq!(operation.event().is_none(), reads, "{operation:?} has its event");
        assert!(!(reads && (operation.is_guarded() || operation.creates())), "{operation:?}");
    }
    for role in AdminRole::ALL {
        assert_eq!(AdminRole::parse(role.name()), Some(role));
    }
    for scope in AdminScope::ALL {
        assert_eq!(AdminScope::parse(scope.name()), Some(scope));
    }
}
