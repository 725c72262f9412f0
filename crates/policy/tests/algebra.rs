//! The laws that composed policies keep, for any policies and any callers.

use doorward_policy::{Decision, Need, Policy, Principal, decide_all};
use proptest::prelude::*;

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["admin", "user", "sit", "Sales", "CRM"]).prop_map(str::to_owned)
}

fn principals() -> impl Strategy<Value = Principal> {
    let words = || prop::collection::vec(word(), 0..4);
    (words(), words(), words()).prop_map(|(roles, departments, scope)| {
        Principal::new("x")
            .with_claim("role", roles)
            .with_claim("department", departments)
            .with_claim("scope", scope.join(" "))
    })
}

/// Policies without assertions: they need only what a caller has, so that having more never takes
/// away.
fn policies() -> impl Strategy<Value = Policy> {
    let leaf = prop_oneof![
        word().prop_map(Policy::require_role),
        word().prop_map(|value| Policy::require_claim("department", value)),
        word().prop_map(Policy::require_scope),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let some = prop::collection::vec(inner, 0..4);
        prop_oneof![some.clone().prop_map(Policy::all_of), some.prop_map(Policy::any_of),]
    })
}

fn allowed(policy: &Policy, principal: &Principal) -> bool {
    policy.decide(principal).is_allowed()
}

/// Reads a need independently of the policy that it came from.
fn met(need: &Need, principal: &Principal) -> bool {
    match need {
        Need::Role { role } => principal.has_role(role),
        Need::Claim { claim, value } => principal.has_claim(claim, value),
        Need::Scope { scope } => principal.has_scope(scope),
        Need::Custom { .. } => false,
        Need::AllOf { of } => of.iter().all(|need| met(need, principal)),
        Need::AnyOf { of } => of.iter().any(|need| met(need, principal)),
        other => panic!("{other} is a need of a new kind"),
    }
}

proptest! {
    #[test]
    fn all_of_is_and(parts in prop::collection::vec(policies(), 0..5), principal in principals()) {
        let each = parts.iter().all(|part| allowed(part, &principal));
        prop_assert_eq!(decide_all(&parts, &principal).is_allowed(), each);
        prop_assert_eq!(allowed(&Policy::all_of(parts), &principal), each);
    }

    #[test]
    fn any_of_is_or(parts in prop::collection::vec(policies(), 0..5), principal in principals()) {
        let one = parts.iter().any(|part| allowed(part, &principal));
        prop_assert_eq!(allowed(&Policy::any_of(parts), &principal), one);
    }

    #[test]
    fn order_does_not_matter(
        parts in prop::collection::vec(policies(), 0..5),
        principal in principals(),
    ) {
        let reversed = || parts.iter().rev().cloned();
        prop_assert_eq!(
            allowed(&Policy::all_of(parts.clone()), &principal),
            allowed(&Policy::all_of(reversed()), &principal)
        );
        prop_assert_eq!(
            allowed(&Policy::any_of(parts.clone()), &principal),
            allowed(&Policy::any_of(reversed()), &principal)
        );
    }

    #[test]
    fn and_distributes_over_or(
        a in policies(),
        b in policies(),
        c in policies(),
        principal in principals(),
    ) {
        let left = Policy::all_of([a.clone(), Policy::any_of([b.clone(), c.clone()])]);
        let right = Policy::any_of([Policy::all_of([a.clone(), b]), Policy::all_of([a, c])]);
        prop_assert_eq!(allowed(&left, &principal), allowed(&right, &principal));
    }

    #[test]
    fn absorption_and_units(a in policies(), b in policies(), principal in principals()) {
        let own = allowed(&a, &principal);
        let absorbed = Policy::all_of([a.clone(), Policy::any_of([a.clone(), b])]);
        prop_assert_eq!(allowed(&absorbed, &principal), own);
        let signed_in = Policy::all_of([a.clone(), Policy::authenticated()]);
        prop_assert_eq!(allowed(&signed_in, &principal), own);
        prop_assert_eq!(allowed(&Policy::any_of([a.clone(), Policy::any_of([])]), &principal), own);
        prop_assert_eq!(allowed(&a.named("named"), &principal), own);
    }

    #[test]
    fn more_claims_never_take_away(
        policy in policies(),
        principal in principals(),
        role in word(),
    ) {
        if allowed(&policy, &principal) {
            let roles: Vec<String> = principal.roles().map(str::to_owned).chain([role]).collect();
            prop_assert!(allowed(&policy, &principal.with_claim("role", roles)));
        }
    }

    #[test]
    fn the_description_means_what_the_policy_decides(
        policy in policies(),
        principal in principals(),
    ) {
        prop_assert_eq!(met(&policy.needs(), &principal), allowed(&policy, &principal));
    }

    #[test]
    fn a_denial_names_only_what_is_unmet(policy in policies(), principal in principals()) {
        if let Decision::Denied(denial) = policy.decide(&principal) {
            prop_assert!(!denial.unmet().is_empty());
            prop_assert_eq!(denial.reasons().len(), denial.unmet().len());
            for need in denial.unmet() {
                prop_assert!(!met(need, &principal), "{}", need);
            }
            for token in denial.missing_scope() {
                prop_assert!(!principal.has_scope(token));
            }
        }
    }
}

#[test]
fn nothing_required_allows_and_no_alternative_denies() {
    let anyone = Principal::new("x");
    assert!(Policy::authenticated().decide(&anyone).is_allowed());
    assert!(decide_all(&[], &anyone).is_allowed());
    let nobody = Policy::any_of([]).decide(&anyone);
    assert_eq!(nobody.reasons(), ["needs what nobody has"]);
}

#[test]
fn a_requirement_that_changes_its_mind_still_denies() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let said_no = AtomicBool::new(false);
    let fickle = Policy::assert("a steady mind", move |_| said_no.swap(true, Ordering::SeqCst));
    assert_eq!(fickle.decide(&Principal::new("x")).reasons(), ["needs a steady mind"]);
}

#[test]
fn an_issuer_is_required_by_the_letter() {
    let ours = Policy::all_of([
        Policy::require_issuer("https://id.example.com"),
        Policy::require_role("admin"),
    ]);
    let admin_of = |issuer: serde_json::Value| {
        Principal::new("x").with_claim("role", "admin").with_claim("iss", issuer)
    };
    let own = admin_of("https://id.example.com".into());
    assert_eq!(own.issuer(), Some("https://id.example.com"));
    assert!(ours.decide(&own).is_allowed());
    let foreign = admin_of("https://id.example.com/".into());
    assert_eq!(ours.decide(&foreign).reasons(), ["needs iss https://id.example.com"]);
    let nobodys = Principal::new("x").with_claim("role", "admin");
    assert_eq!((nobodys.issuer(), ours.decide(&nobodys).is_allowed()), (None, false));
}
