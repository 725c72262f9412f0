//! Policies on the sign-in itself, and what a denial says of another one.
#![allow(clippy::unwrap_used)]

use doorward_policy::{Decision, Denial, Need, Policy, Principal, StepUp, decide_all_at};
use serde_json::{Value, json};

const NOW: i64 = 1_700_000_000;

/// A caller who signed in this many seconds ago with this `acr`.
fn caller(acr: &str, age: i64) -> Principal {
    Principal::new("alice").with_claim("acr", acr).with_claim("auth_time", NOW - age)
}

fn denial(policy: &Policy, principal: &Principal) -> Denial {
    match policy.decide_at(principal, NOW) {
        Decision::Denied(denial) => denial,
        Decision::Allowed => panic!("{policy:?} is met"),
    }
}

fn step_up(acr_values: &[&str], max_age: Option<u32>) -> StepUp {
    StepUp { acr_values: acr_values.iter().map(ToString::to_string).collect(), max_age }
}

#[test]
fn one_of_the_values_will_do() {
    let policy = Policy::require_acr(["2", "3"]);
    for (acr, allowed) in [("1", false), ("2", true), ("3", true), ("23", false), ("", false)] {
        assert_eq!(policy.decide(&caller(acr, 0)).is_allowed(), allowed, "{acr}");
    }
    for value in [json!(2), json!(["2"]), json!(null)] {
        let odd = Principal::new("x").with_claim("acr", value.clone());
        assert!(!policy.decide(&odd).is_allowed(), "{value}");
    }
    assert!(!policy.decide(&Principal::new("x")).is_allowed());
    let lacking = denial(&policy, &caller("1", 0));
    assert_eq!(lacking.step_up(), Some(&step_up(&["2", "3"], None)));
    assert_eq!(lacking.unmet(), [Need::Acr { values: vec!["2".into(), "3".into()] }]);
}

#[test]
fn a_sign_in_is_recent_up_to_its_limit() {
    let policy = Policy::require_recent_sign_in(300);
    for (age, allowed) in
        [(0, true), (310, true), (311, false), (-60, true), (-61, false), (NOW, false)]
    {
        assert_eq!(policy.decide_at(&caller("1", age), NOW).is_allowed(), allowed, "{age}");
    }
    let at = |value: Value| {
        let caller = Principal::new("x").with_claim("auth_time", value);
        policy.decide_at(&caller, NOW).is_allowed()
    };
    assert!(at(json!(1_699_999_999.9)));
    for odd in [json!("1700000000"), json!(null), json!([NOW]), json!(1e300), json!(-1e300)] {
        assert!(!at(odd.clone()), "{odd}");
    }
    assert_eq!(denial(&policy, &caller("1", 311)).step_up(), Some(&step_up(&[], Some(300))));
}

#[test]
fn a_fresh_sign_in_meets_even_the_strictest_policy() {
    for seconds in [0, 1, 10] {
        let policy = Policy::require_recent_sign_in(seconds);
        assert!(policy.decide_at(&caller("1", 20), NOW).is_allowed(), "{seconds}");
        assert!(!policy.decide_at(&caller("1", 21), NOW).is_allowed(), "{seconds}");
        assert_eq!(policy.needs(), Need::RecentSignIn { seconds: 10 });
    }
}

#[test]
fn of_alternatives_one_that_a_sign_in_brings_is_asked_for() {
    let strong = || Policy::require_acr(["2"]);
    let scope = || Policy::require_scope("orders");
    for policy in [Policy::any_of([scope(), strong()]), Policy::any_of([strong(), scope()])] {
        let lacking = denial(&policy, &caller("1", 0));
        assert_eq!(lacking.step_up(), Some(&step_up(&["2"], None)), "{policy:?}");
    }
    // The sign-in is good enough, and the role is what nobody brings: scope alone would help.
    let either = Policy::any_of([Policy::require_role("admin"), scope()]);
    assert_eq!(denial(&either, &caller("1", 0)).step_up(), None);
}

#[test]
fn without_the_time_no_sign_in_is_recent() {
    let policy = Policy::require_recent_sign_in(u32::MAX);
    let Decision::Denied(denial) = policy.decide(&caller("1", 0)) else { panic!("allowed") };
    assert_eq!(denial.step_up(), None, "another sign-in would be asked for without end");
}

#[test]
fn another_sign_in_is_named_whole() {
    let policy = Policy::all_of([
        Policy::require_acr(["2", "3"]),
        Policy::require_recent_sign_in(600),
        Policy::require_recent_sign_in(300),
        Policy::require_acr(["3", "2", "4"]),
    ]);
    let all = step_up(&["2", "3"], Some(300));
    // Each lacks one thing only, and yet must not lose the other.
    assert_eq!(denial(&policy, &caller("2", 400)).step_up(), Some(&all));
    assert_eq!(denial(&policy, &caller("1", 0)).step_up(), Some(&all));
    assert_eq!(denial(&policy, &caller("1", 400)).step_up(), Some(&all));
}

#[test]
fn what_no_sign_in_brings_is_not_asked_for() {
    let strong = || Policy::require_acr(["2"]);
    let admin = || Policy::require_role("admin");
    let weak = caller("1", 0);
    let both = Policy::all_of([strong(), admin()]);
    assert_eq!(denial(&both, &weak).step_up(), None);
    assert_eq!(denial(&both, &weak).reasons(), ["needs a sign-in at level 2", "needs role admin"]);
    let either = Policy::any_of([admin(), strong()]);
    assert_eq!(denial(&either, &weak).step_up(), Some(&step_up(&["2"], None)));
    let chief = weak.with_claim("role", "admin");
    assert_eq!(denial(&both, &chief).step_up(), Some(&step_up(&["2"], None)));
    // Nobody has two levels at once.
    let never = Policy::all_of([strong(), Policy::require_acr(["3"])]);
    assert_eq!(denial(&never, &chief).step_up(), None);
    assert_eq!(denial(&Policy::require_acr([""; 0]), &chief).step_up(), None);
}

#[test]
fn scope_may_be_missing_beside() {
    let policies = [Policy::require_scope("orders"), Policy::require_recent_sign_in(60)];
    let decide = |caller: &Principal| match decide_all_at(&policies, caller, NOW) {
        Decision::Denied(denial) => denial,
        Decision::Allowed => panic!("allowed"),
    };
    let neither = decide(&caller("1", 100));
    assert_eq!(neither.step_up(), Some(&step_up(&[], Some(60))));
    assert_eq!(neither.required_scope(), ["orders"]);
    // Only scope is missing: another sign-in is not needed.
    assert_eq!(decide(&caller("1", 0)).step_up(), None);
}

#[test]
fn a_denial_is_written_and_read_as_json() {
    let lacking = denial(&Policy::require_recent_sign_in(60), &caller("1", 100));
    let text = serde_json::to_value(&lacking).unwrap();
    assert_eq!(
        text,
        json!({
            "unmet": [{ "kind": "recent_sign_in", "seconds": 60 }],
            "step_up": { "max_age": 60 },
        })
    );
    assert_eq!(serde_json::from_value::<Denial>(text).unwrap(), lacking);
}
