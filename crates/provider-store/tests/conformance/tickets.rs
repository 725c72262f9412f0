//! Tickets: what counts once.

use doorward_provider::{
    model::{
        throttle::{ThrottleKey, ThrottlePolicy},
        ticket::{Ticket, TicketBound, TicketPurpose},
        time::Seconds,
        user::User,
    },
    store::{TicketRedemption, UserChange},
};

use super::fixtures::{
    NOW, Tested, add_grant, at, grant, hash, mail, parallel, session, start_session, ticket, to_id,
    token, verified_user, with_other_password,
};

const RESET: TicketPurpose = TicketPurpose::ResetPassword;

async fn added(store: &Tested, ticket: Ticket) {
    assert!(store.add_ticket(ticket, &TicketBound::at_once(100), Vec::new(), NOW).await.unwrap());
}

async fn waiting(store: &Tested) -> usize {
    store.outbox(None, 100, NOW).await.unwrap().len()
}

pub async fn found_and_taken_for_its_purpose_until_expiry(store: Tested) {
    let kept = ticket(1, RESET, Some("alice"), Some("ada@example.com"), 60);
    added(&store, kept.clone()).await;
    assert_eq!(store.ticket(hash(1), RESET, NOW).await.unwrap(), Some(kept.clone()));
    assert_eq!(store.ticket(hash(1), RESET, at(59)).await.unwrap(), Some(kept.clone()));
    assert_eq!(store.ticket(hash(1), RESET, at(60)).await.unwrap(), None);
    assert_eq!(store.ticket(hash(2), RESET, NOW).await.unwrap(), None);
    for purpose in TicketPurpose::ALL.into_iter().filter(|purpose| *purpose != RESET) {
        assert_eq!(store.ticket(hash(1), purpose, NOW).await.unwrap(), None, "{purpose:?}");
        assert_eq!(store.take_ticket(hash(1), purpose, NOW).await.unwrap(), None, "{purpose:?}");
    }
    assert_eq!(store.take_ticket(hash(1), RESET, at(60)).await.unwrap(), None);
    assert_eq!(store.take_ticket(hash(1), RESET, NOW).await.unwrap(), Some(kept));
    assert_eq!(store.take_ticket(hash(1), RESET, NOW).await.unwrap(), None);
    assert_eq!(store.ticket(hash(1), RESET, NOW).await.unwrap(), None);
}

pub async fn taken_once_among_many(store: Tested) {
    added(&store, ticket(1, RESET, None, None, 60)).await;
    let taken = parallel(&store, 64, |store, _| async move {
        store.take_ticket(hash(1), RESET, NOW).await.unwrap().is_some()
    });
    assert_eq!(taken.await.into_iter().filter(|taken| *taken).count(), 1);
}

pub async fn no_more_are_about_one_thing_than_are_allowed(store: Tested) {
    let add = |number, purpose, about: &str, now| {
        let (store, about) = (store.clone(), about.to_owned());
        async move {
            let ticket = ticket(number, purpose, None, Some(&about), 60);
            let (bound, mails) = (TicketBound::at_once(2), vec![mail(number, 60)]);
            store.add_ticket(ticket, &bound, mails, now).await.unwrap()
        }
    };
    assert!(add(1, RESET, "ada@example.com", NOW).await);
    assert!(add(2, RESET, "ada@example.com", NOW).await);
    assert!(!add(3, RESET, "ada@example.com", NOW).await);
    assert_eq!(store.ticket(hash(3), RESET, NOW).await.unwrap(), None);
    assert_eq!(waiting(&store).await, 2, "nor is there a mail with a link to nothing");
    assert!(add(4, RESET, "bob@example.com", NOW).await, "another address");
    assert!(add(5, TicketPurpose::Register, "ada@example.com", NOW).await, "another purpose");
    assert!(add(6, RESET, "ada@example.com", at(60)).await, "the others have expired");
    for number in 10..15 {
        added(&store, ticket(number, RESET, None, None, 60)).await;
    }
}

/// A mailbox gets three in an hour, and two of them at once.
fn in_an_hour(key: &ThrottleKey) -> TicketBound {
    let wall = ThrottlePolicy::wall(3, Seconds::new(3600));
    TicketBound { most: 2, counted: Some((key.clone(), wall)) }
}

pub async fn only_those_that_are_added_count(store: Tested) {
    let key = ThrottleKey::links_to("ada@example.com");
    let bound = in_an_hour(&key);
    let add = |number, about: &str, now| {
        let (store, about, bound) = (store.clone(), about.to_owned(), bound.clone());
        async move {
            let ticket = ticket(number, RESET, None, Some(&about), 60);
            store.add_ticket(ticket, &bound, vec![mail(number, 60)], now).await.unwrap()
        }
    };
    for number in 0..10 {
        assert_eq!(add(number, "ada@example.com", NOW).await, number < 2, "{number}");
    }
    assert_eq!(store.failures(&key, NOW).await.unwrap(), 2);
    assert_eq!(waiting(&store).await, 2);
    assert!(add(10, "ada@example.com", at(60)).await, "the third");
    for number in 11..20 {
        assert!(!add(number, "a.da@example.com", at(61)).await, "the hour has its three");
    }
    assert_eq!(store.failures(&key, at(61)).await.unwrap(), 3);
    assert_eq!(store.ticket(hash(11), RESET, at(61)).await.unwrap(), None);
    assert!(add(20, "ada@example.com", at(60 + 3600)).await);
}

pub async fn so_many_count_among_many(store: Tested) {
    let key = ThrottleKey::links_to("ada@example.com");
    let added = parallel(&store, 64, |store, number| {
        let bound = in_an_hour(&key);
        async move {
            // Each is about something else.
            let about = format!("ada+{number}@example.com");
            let ticket = ticket(number, RESET, None, Some(&about), 60);
            store.add_ticket(ticket, &bound, vec![mail(number, 60)], NOW).await.unwrap()
        }
    });
    assert_eq!(added.await.into_iter().filter(|added| *added).count(), 3);
    assert_eq!(waiting(&store).await, 3);
    assert_eq!(store.failures(&key, NOW).await.unwrap(), 3);
}

pub async fn the_limit_holds_among_many(store: Tested) {
    let added = parallel(&store, 64, |store, number| async move {
        let ticket = ticket(number, RESET, None, Some("ada@example.com"), 60);
        let (bound, mails) = (TicketBound::at_once(3), vec![mail(number, 60)]);
        store.add_ticket(ticket, &bound, mails, NOW).await.unwrap()
    });
    assert_eq!(added.await.into_iter().filter(|added| *added).count(), 3);
    assert_eq!(waiting(&store).await, 3);
}

pub async fn removed_by_too_many_wrong_guesses(store: Tested) {
    let purpose = TicketPurpose::ChangeEmail;
    let guess = |number| store.ticket_failed(hash(number), purpose, 3, NOW);
    added(&store, ticket(1, purpose, Some("alice"), None, 60)).await;
    assert_eq!(guess(1).await.unwrap(), 1);
    assert_eq!(guess(1).await.unwrap(), 2);
    assert!(store.ticket(hash(1), purpose, NOW).await.unwrap().is_some());
    assert_eq!(guess(1).await.unwrap(), 3);
    assert!(store.ticket(hash(1), purpose, NOW).await.unwrap().is_none());
    assert_eq!(guess(1).await.unwrap(), 3, "there is none to guess at");
    assert_eq!(store.ticket_failed(hash(2), RESET, 3, NOW).await.unwrap(), 3);
    added(&store, ticket(3, purpose, Some("alice"), None, 60)).await;
    let counts = parallel(&store, 64, |store, _| async move {
        store.ticket_failed(hash(3), TicketPurpose::ChangeEmail, 5, NOW).await.unwrap()
    });
    let counts = counts.await;
    for fewer in 1..5 {
        assert_eq!(counts.iter().filter(|count| **count == fewer).count(), 1, "{counts:?}");
    }
    assert!(store.ticket(hash(3), purpose, NOW).await.unwrap().is_none());
}

pub async fn removed_with_the_password_or_the_address_they_were_for(store: Tested) {
    let alice = verified_user("alice", "alice", "ada@example.com");
    let all = async |store: &Tested| {
        let mut left = Vec::new();
        for (number, purpose) in (0..).zip(TicketPurpose::ALL) {
            if store.ticket(hash(number), purpose, NOW).await.unwrap().is_some() {
                left.push(purpose);
            }
        }
        left
    };
    let issue = async |store: &Tested| {
        store.put_user(alice.clone(), NOW).await.unwrap();
        store.remove_tickets_of(&to_id("alice"), &TicketPurpose::ALL).await.unwrap();
        for (number, purpose) in (0..).zip(TicketPurpose::ALL) {
            added(store, ticket(number, purpose, Some("alice"), None, 60)).await;
        }
    };
    issue(&store).await;
    let renamed = User { username: "alicia".to_owned(), ..alice.clone() };
    store.put_user(renamed, NOW).await.unwrap();
    assert_eq!(all(&store).await, TicketPurpose::ALL, "another name ends nothing");
    store.remove_tickets_of(&to_id("bob"), &TicketPurpose::ALL).await.unwrap();
    store.remove_tickets_of(&to_id("alice"), &[RESET, TicketPurpose::ChangeEmail]).await.unwrap();
    assert_eq!(all(&store).await.len(), TicketPurpose::ALL.len() - 2);
    let moved = verified_user("alice", "alice", "ada@example.org");
    for changed in [with_other_password(alice.clone()), moved] {
        issue(&store).await;
        store.put_user(changed, NOW).await.unwrap();
        assert_eq!(all(&store).await, [TicketPurpose::VerifyEmail]);
    }
    issue(&store).await;
    store.put_mails(vec![mail(1, 60)]).await.unwrap();
    store.remove_user(&to_id("alice"), NOW).await.unwrap();
    assert_eq!(all(&store).await, []);
    assert_eq!(waiting(&store).await, 0, "the fixtures' mails are about alice");
}

pub async fn a_user_is_changed_once_by_a_ticket(store: Tested) {
    let before = verified_user("alice", "alice", "ada@example.com");
    start_session(&*store, session(1, "alice", 60), None).await;
    store.put_user(before.clone(), NOW).await.unwrap();
    add_grant(&*store, grant("g", "alice"), at(60), Some(token(1, 60)), NOW).await;
    for number in [1, 2] {
        added(&store, ticket(number, RESET, Some("alice"), None, 60)).await;
    }
    let after = with_other_password(before.clone());
    let redeem = |store: Tested, number| {
        let (user, before) = (after.clone(), before.clone());
        async move {
            let change = UserChange::Replace { user, before };
            let told = mail(100 + number, 60);
            store.redeem_ticket(hash(number), RESET, change, vec![told], NOW).await.unwrap()
        }
    };
    let outcomes = parallel(&store, 64, |store, _| redeem(store, 1)).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == TicketRedemption::Done).count(),
        1,
        "{outcomes:?}"
    );
    assert_eq!(store.user(&to_id("alice")).await.unwrap(), Some(after.clone()));
    assert_eq!(waiting(&store).await, 1);
    assert!(store.session(hash(1), NOW).await.unwrap().is_none(), "as with any new password");
    assert!(store.live_grant(&to_id("g"), NOW).await.unwrap().is_none());
    assert_eq!(
        redeem(store.clone(), 2).await,
        TicketRedemption::NoTicket,
        "it was for the password before"
    );
}

pub async fn a_ticket_is_not_used_in_vain(store: Tested) {
    let (purpose, bob) = (TicketPurpose::Register, verified_user("bob", "bob", "bob@example.com"));
    store.put_user(bob.clone(), NOW).await.unwrap();
    added(&store, ticket(1, purpose, None, None, 60)).await;
    let redeem = |change| store.redeem_ticket(hash(1), purpose, change, vec![mail(9, 60)], NOW);
    let ada = |name, email| verified_user("ada", name, email);
    for (user, outcome) in [
        (ada(" BOB ", "ada@example.com"), TicketRedemption::NameTaken),
        (ada("ada", "Bob@Example.com"), TicketRedemption::EmailTaken),
        (verified_user("bob", "ada", "ada@example.com"), TicketRedemption::NameTaken),
    ] {
        assert_eq!(redeem(UserChange::Add(user)).await.unwrap(), outcome);
    }
    let user = verified_user("bob", "robert", "bob@example.com");
    let change = UserChange::Replace { user, before: user_without_claims(&bob) };
    assert_eq!(redeem(change).await.unwrap(), TicketRedemption::UserChanged);
    assert_eq!(store.user(&to_id("bob")).await.unwrap(), Some(bob));
    assert_eq!(waiting(&store).await, 0);
    let added = UserChange::Add(ada("ada", "ada@example.com"));
    assert_eq!(redeem(added.clone()).await.unwrap(), TicketRedemption::Done);
    assert_eq!(waiting(&store).await, 1);
    assert!(store.user_by_email("ada@example.com").await.unwrap().is_some());
    assert_eq!(redeem(added).await.unwrap(), TicketRedemption::NoTicket);
}

fn user_without_claims(user: &User) -> User {
    User { claims: std::sync::Arc::default(), ..user.clone() }
}

pub async fn one_name_is_registered_once_among_many(store: Tested) {
    let purpose = TicketPurpose::Register;
    for number in 0..64 {
        added(&store, ticket(number, purpose, None, None, 60)).await;
    }
    let outcomes = parallel(&store, 64, |store, number| async move {
        let email = format!("ada-{number}@example.com");
        let user = verified_user(&format!("sub-{number}"), "ada", &email);
        let change = UserChange::Add(user);
        store.redeem_ticket(hash(number), purpose, change, Vec::new(), NOW).await.unwrap()
    });
    let outcomes = outcomes.await;
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    assert_eq!(count(TicketRedemption::Done), 1, "{outcomes:?}");
    assert_eq!(count(TicketRedemption::NameTaken), 63, "{outcomes:?}");
}

pub async fn swept_when_expired(store: Tested) {
    added(&store, ticket(1, RESET, None, None, 60)).await;
    store.put_mails(vec![mail(1, 60)]).await.unwrap();
    assert_eq!(store.remove_expired(at(59), 100).await.unwrap(), 0);
    assert_eq!(store.remove_expired(at(60), 100).await.unwrap(), 2);
    assert!(store.ticket(hash(1), RESET, NOW).await.unwrap().is_none());
    assert_eq!(waiting(&store).await, 0);
}

pub async fn listed_by_purpose_and_removed_by_what_they_are_about(store: Tested) {
    let purpose = TicketPurpose::Invitation;
    for number in 0..5_u8 {
        let about = if number % 2 == 0 { "ada@example.com" } else { "bob@example.com" };
        let end = 60 + i64::from(number / 2);
        added(&store, ticket(number.into(), purpose, None, Some(about), end)).await;
    }
    added(&store, ticket(9, RESET, None, Some("ada@example.com"), 60)).await;
    let (mut ends, mut after) = (Vec::new(), None);
    loop {
        let page = store.tickets(purpose, after.as_ref(), 2, NOW).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        ends.extend(page.iter().map(|ticket| ticket.expires_at.since(NOW)));
    }
    assert_eq!(ends, [60, 60, 61, 61, 62]);
    assert_eq!(store.tickets(purpose, None, 10, at(61)).await.unwrap().len(), 1, "not expired");
    assert_eq!(store.remove_tickets_about(purpose, "ada@example.com").await.unwrap(), 3);
    assert_eq!(store.remove_tickets_about(purpose, "ada@example.com").await.unwrap(), 0);
    assert_eq!(store.tickets(purpose, None, 10, NOW).await.unwrap().len(), 2);
    assert!(store.ticket(hash(9), RESET, NOW).await.unwrap().is_some(), "another purpose");
}

pub async fn found_by_the_beginning_of_what_they_are_about(store: Tested) {
    let purpose = TicketPurpose::Invitation;
    for (number, about) in [(1, "bob@example.com"), (2, "ada@example.com"), (3, "adam@example.com")]
    {
        added(&store, ticket(number, purpose, None, Some(about), 60)).await;
    }
    added(&store, ticket(4, purpose, None, Some("ada@example.com"), 120)).await;
    added(&store, ticket(5, RESET, None, Some("ada@example.com"), 60)).await;
    added(&store, ticket(6, purpose, None, None, 60)).await;
    let find = |prefix: &'static str, now| {
        let store = store.clone();
        async move {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.tickets_about(purpose, prefix, after.as_ref(), 1, now);
                let page = page.await.unwrap();
                let Some(last) = page.last() else { return found };
                after = Some(last.about_cursor());
                found.extend(page.into_iter().map(|ticket| ticket.hash));
            }
        }
    };
    let mut both = [hash(2), hash(4)];
    both.sort_by_key(|hash| *hash.as_bytes());
    let all = [both[0], both[1], hash(3), hash(1)];
    assert_eq!(find("", NOW).await, all, "of this purpose, and about something");
    assert_eq!(find("ada", NOW).await, all[..3]);
    assert_eq!(find("ada@", NOW).await, both);
    assert_eq!(find("ada", at(60)).await, [hash(4)], "the others have expired");
    assert_eq!(find("a%", NOW).await, []);
    assert_eq!(find("a\0'--", NOW).await, []);
}
