//! Guessing is slowed down, by account and by address.

use std::{net::IpAddr, sync::Arc};

use axum::http::StatusCode;
use doorward_provider::model::{account_settings::AccountSettings, outbox::MailKind};

use crate::support::{Answer, Browser, Setup, World, user};

/// How many of sixty attempts of alice, one in three seconds, succeed from this address while
/// somebody else guesses each second.
async fn successes_of_alice(
    world: &World,
    at: &str,
    mut guess: impl AsyncFnMut(&World, usize),
) -> usize {
    let mut successes = 0;
    for second in 0..180 {
        guess(world, second).await;
        if second % 3 == 0
            && attempt(world, at, "alice", "alice").await.status == StatusCode::SEE_OTHER
        {
            successes += 1;
        }
        world.clock.advance(1);
    }
    successes
}

const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";

async fn attempt(world: &World, address: &str, username: &str, password: &str) -> Answer {
    Browser::at(world, address.parse::<IpAddr>().unwrap()).sign_in(username, password, None).await
}

/// All the guesses that ten networks of this site have without a wait.
pub async fn guess_from_site(world: &World, site: &str) {
    for network in 0..10 {
        let address = format!("{site}:{network:x}::1");
        for index in 0..50 {
            fail(world, &address, &format!("user-{network}-{index}"), 1).await;
        }
    }
}

/// Guesses from this site until everybody there waits as long as they ever do.
pub async fn use_up_site(world: &World, site: &str) {
    guess_from_site(world, site).await;
    for number in 0..10 {
        world.clock.advance(30);
        fail(world, &format!("{site}:{number:x}a::1"), &format!("another-{number}"), 1).await;
    }
    let eleventh = attempt(world, &format!("{site}:ffff::1"), "carol", "carol").await;
    assert_throttled(&eleventh, "30");
}

/// This many wrong guesses, all of which were checked.
async fn fail(world: &World, address: &str, username: &str, times: usize) {
    for _ in 0..times {
        assert_eq!(
            attempt(world, address, username, "wrong").await.status,
            StatusCode::BAD_REQUEST
        );
    }
}

#[track_caller]
fn assert_throttled(answer: &Answer, seconds: &str) {
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
    assert_eq!(answer.header("retry-after"), seconds);
    assert!(
        !answer
            .headers
            .get_all("set-cookie")
            .iter()
            .any(|cookie| cookie.to_str().unwrap().contains("session"))
    );
}

#[tokio::test]
async fn after_five_failures_even_the_right_password_waits() {
    let world = World::new().await;
    fail(&world, HERE, "alice", 5).await;
    assert_throttled(&attempt(&world, HERE, "alice", "alice").await, "1");
    assert_throttled(&attempt(&world, HERE, " Alice", "alice").await, "1");
    world.clock.advance(1);
    assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    // The success made the failures forgotten.
    fail(&world, HERE, "alice", 5).await;
    assert_throttled(&attempt(&world, HERE, "alice", "alice").await, "1");
}

#[tokio::test]
async fn each_further_failure_doubles_the_wait_up_to_five_minutes() {
    let world = World::new().await;
    fail(&world, HERE, "alice", 5).await;
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        let refused = attempt(&world, HERE, "alice", "wrong").await;
        assert_throttled(&refused, &wait.to_string());
        let said =
            if wait == 1 { "Wait 1 second,".to_owned() } else { format!("Wait {wait} seconds,") };
        assert!(refused.page().text.contains(&said));
        world.clock.advance(wait - 1);
        assert_throttled(&attempt(&world, HERE, "alice", "wrong").await, "1");
        world.clock.advance(1);
        fail(&world, HERE, "alice", 1).await;
    }
}

#[tokio::test]
async fn failures_are_forgotten_after_an_hour_without_another() {
    let world = World::new().await;
    fail(&world, HERE, "alice", 5).await;
    world.clock.advance(3601);
    fail(&world, HERE, "alice", 5).await;
}

#[tokio::test]
async fn guesses_from_elsewhere_do_not_lock_the_owner_out_and_neither_do_other_accounts() {
    let world = World::new().await;
    fail(&world, ELSEWHERE, "alice", 5).await;
    assert_throttled(&attempt(&world, ELSEWHERE, "alice", "alice").await, "1");
    assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    assert_eq!(attempt(&world, ELSEWHERE, "carol", "carol").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guesses_from_many_addresses_at_one_account_are_slowed_down_to_half_a_minute() {
    let world = World::new().await;
    for network in 0..5 {
        fail(&world, &format!("198.51.100.{network}"), "alice", 5).await;
    }
    for (network, wait) in [1, 2, 4, 8, 16, 30, 30].into_iter().enumerate() {
        let address = format!("203.0.113.{network}");
        assert_throttled(&attempt(&world, &address, "alice", "alice").await, &wait.to_string());
        world.clock.advance(wait);
        fail(&world, &address, "alice", 1).await;
    }
    world.clock.advance(30);
    assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_network_of_ipv6_addresses_counts_as_one() {
    let world = World::new().await;
    for host in 1..=5 {
        fail(&world, &format!("2001:db8:1:2::{host}"), "alice", 1).await;
    }
    assert_throttled(&attempt(&world, "2001:db8:1:2:ffff::9", "alice", "alice").await, "1");
    assert_eq!(
        attempt(&world, "2001:db8:1:3::1", "alice", "alice").await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn an_account_that_does_not_exist_is_throttled_like_any() {
    let world = World::new().await;
    fail(&world, HERE, "nobody", 5).await;
    assert_throttled(&attempt(&world, HERE, "nobody", "wrong").await, "1");
}

#[tokio::test]
async fn an_address_is_throttled_after_fifty_failures_on_any_accounts() {
    let world = World::new().await;
    for index in 0..50 {
        fail(&world, HERE, &format!("user-{index}"), 1).await;
    }
    assert_throttled(&attempt(&world, HERE, "alice", "alice").await, "1");
    assert_eq!(attempt(&world, ELSEWHERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    world.clock.advance(1);
    assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_ipv6_site_is_throttled_after_ten_times_as_many() {
    let world = World::new().await;
    guess_from_site(&world, "2001:db8:0").await;
    assert_throttled(&attempt(&world, "2001:db8:0:a::1", "alice", "alice").await, "1");
    let elsewhere = attempt(&world, "2001:db9:0:a::1", "alice", "alice").await;
    assert_eq!(elsewhere.status, StatusCode::SEE_OTHER, "another site");
    world.clock.advance(1);
    let later = attempt(&world, "2001:db8:0:a::1", "alice", "alice").await;
    assert_eq!(later.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_waits_for_their_ipv6_site_longer_than_half_a_minute() {
    let world = World::new().await;
    guess_from_site(&world, "2001:db8:0").await;
    for (number, wait) in [1, 2, 4, 8, 16, 30, 30, 30].into_iter().enumerate() {
        let address = format!("2001:db8:0:{number:x}a::1");
        assert_throttled(&attempt(&world, &address, "alice", "alice").await, &wait.to_string());
        world.clock.advance(wait);
        fail(&world, &address, &format!("another-{number}"), 1).await;
    }
    world.clock.advance(30);
    let later = attempt(&world, "2001:db8:0:a::1", "alice", "alice").await;
    assert_eq!(later.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn successful_sign_ins_never_add_up() {
    let world = World::new().await;
    for _ in 0..52 {
        assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_guesses_do_not_slip_through_together() {
    let world = Arc::new(World::new().await);
    let guesses: Vec<_> = (0..32)
        .map(|index| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                attempt(&world, HERE, "alice", &format!("guess-{index}")).await.status
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for guess in guesses {
        statuses.push(guess.await.unwrap());
    }
    let count = |wanted: StatusCode| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!(
        (count(StatusCode::BAD_REQUEST), count(StatusCode::TOO_MANY_REQUESTS)),
        (5, 27),
        "{statuses:?}"
    );
}

/// Fourteen networks guess at one account all the time.
#[tokio::test]
async fn a_guesser_who_never_rests_does_not_lock_the_owner_out() {
    let world = World::new().await;
    assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    let guess = async |world: &World, second: usize| {
        let address = format!("198.51.100.{}", second % 14);
        attempt(world, &address, "alice", "wrong").await;
    };
    assert_eq!(successes_of_alice(&world, HERE, guess).await, 60);
    let stranger = attempt(&world, "203.0.113.1", "alice", "alice").await;
    assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS, "the limit holds for others");
}

/// One host behind a shared address guesses at names all the time.
#[tokio::test]
async fn a_guesser_behind_the_same_address_holds_up_nobody_who_is_known_there() {
    let world = World::new().await;
    assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    for index in 0..50 {
        fail(&world, HERE, &format!("user-{index}"), 1).await;
    }
    let guess = async |world: &World, second: usize| {
        attempt(world, HERE, &format!("name-{second}"), "wrong").await;
    };
    assert_eq!(successes_of_alice(&world, HERE, guess).await, 60);
    let carol = attempt(&world, HERE, "carol", "carol").await;
    assert_eq!(carol.status, StatusCode::TOO_MANY_REQUESTS, "she was never here before");
}

/// What a thief signed in with must not keep an address known.
#[tokio::test]
async fn a_new_password_forgets_the_addresses_of_the_old_one() {
    let world = World::new().await;
    assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    world.import(user("alice", "another password", &[])).await;
    for index in 0..50 {
        fail(&world, HERE, &format!("user-{index}"), 1).await;
    }
    let held_up = attempt(&world, HERE, "alice", "another password").await;
    assert_eq!(held_up.status, StatusCode::TOO_MANY_REQUESTS, "{held_up:?}");
    world.clock.advance(3601);
    let after = attempt(&world, HERE, "alice", "another password").await;
    assert_eq!(after.status, StatusCode::SEE_OTHER, "{after:?}");
    for index in 0..50 {
        fail(&world, HERE, &format!("user-{index}"), 1).await;
    }
    let known = attempt(&world, HERE, "alice", "another password").await;
    assert_eq!(known.status, StatusCode::SEE_OTHER, "{known:?}");
}

/// With an account of one's own one could buy guesses at all others.
#[tokio::test]
async fn own_sign_ins_buy_no_guesses_at_others() {
    let world = World::new().await;
    let mut checked = 0;
    for index in 0..60 {
        let guess = attempt(&world, HERE, &format!("user-{index}"), "wrong").await;
        checked += usize::from(guess.status == StatusCode::BAD_REQUEST);
        if index % 4 == 3 {
            let own = attempt(&world, HERE, "carol", "carol").await;
            assert_eq!(own.status, StatusCode::SEE_OTHER);
        }
    }
    assert_eq!(checked, 50);
}

/// Failures at an address that is known for the account were not counted for the address. A new
/// password makes the address unknown, and the next success must not take them back from there.
#[tokio::test]
async fn own_failures_where_one_is_known_buy_no_guesses_at_others() {
    let world = World::new().await;
    let guess = async |number: usize| fail(&world, HERE, &format!("user-{number}"), 1).await;
    for cycle in 0..9 {
        for number in 0..5 {
            guess(5 * cycle + number).await;
        }
        let password = format!("password {cycle}");
        world.import(user("carol", &password, &[])).await;
        let own = attempt(&world, HERE, "carol", &password).await;
        assert_eq!(own.status, StatusCode::SEE_OTHER, "{own:?}");
        for _ in 0..5 {
            attempt(&world, HERE, "carol", "wrong").await;
        }
        world.clock.advance(1);
    }
    for number in 45..50 {
        guess(number).await;
    }
    assert_throttled(&attempt(&world, HERE, "user-50", "wrong").await, "1");
}

/// An attacker who never stops, from many addresses and from the owner's own: the owner's browser
/// has signed in before, and so goes in each time.
#[tokio::test]
async fn a_browser_that_has_signed_in_before_is_not_held_up_by_others() {
    let world = World::new().await;
    let mut owner = Browser::at(&world, HERE.parse().unwrap());
    assert_eq!(owner.sign_in("alice", "alice", None).await.status, StatusCode::SEE_OTHER);
    for number in 0..60 {
        for address in [HERE.to_owned(), format!("198.51.100.{number}")] {
            attempt(&world, &address, "alice", "wrong").await;
        }
    }
    for _ in 0..60 {
        attempt(&world, HERE, "alice", "wrong").await;
        let answer = owner.sign_in("alice", "alice", None).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    }
    // Others wait as before.
    let stranger = attempt(&world, HERE, "alice", "alice").await;
    assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS, "{stranger:?}");
}

#[tokio::test]
async fn guesses_in_a_known_browser_are_counted_for_it() {
    let world = World::new().await;
    let mut owner = Browser::at(&world, HERE.parse().unwrap());
    owner.sign_in("alice", "alice", None).await;
    for _ in 0..5 {
        let answer = owner.sign_in("alice", "wrong", None).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
    }
    assert_throttled(&owner.sign_in("alice", "alice", None).await, "1");
    assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    world.clock.advance(1);
    assert_eq!(owner.sign_in("alice", "alice", None).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_device_cookie_outlives_the_session_and_is_kept_from_scripts() {
    let world = World::new().await;
    let answer = Browser::new(&world).sign_in("alice", "alice", None).await;
    let cookies = answer.headers.get_all("set-cookie").iter();
    let device = cookies
        .map(|cookie| cookie.to_str().unwrap())
        .find(|cookie| cookie.starts_with("doorward.device="))
        .unwrap();
    assert!(device.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"), "{device}");
}

/// How many wrong passwords in a row a world takes that tests the limit.
const MOST: u32 = 10;

/// A world in which alice has signed in from here, and mail is sent.
async fn with_limit() -> World {
    let accounts =
        AccountSettings { mail: true, most_wrong_attempts: MOST, ..AccountSettings::default() };
    let world = World::with(Setup { accounts, ..Setup::default() }).await;
    assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    world
}

/// This many guesses from addresses that were never seen, each when none has to wait.
async fn guess_from_everywhere(world: &World, username: &str, times: u32) {
    for number in 0..times {
        world.clock.advance(3601);
        let address = format!("198.51.{}.{}", number / 200, number % 200);
        fail(world, &address, username, 1).await;
    }
}

#[tokio::test]
async fn a_guesser_has_so_many_guesses_at_a_password_and_the_owner_is_told() {
    let world = with_limit().await;
    guess_from_everywhere(&world, "alice", MOST - 1).await;
    assert_eq!(world.mails().await, []);
    guess_from_everywhere(&world, "alice", 1).await;
    let told = world.mail_to("alice@example.com").await;
    assert_eq!(
        (told.kind, told.data["address"].as_str()),
        (MailKind::PasswordGuessed, Some("198.51.0.0"))
    );
    let link = told.data["link"].as_str().unwrap();
    assert!(link.ends_with("/account/forgot-password"), "no handle: {link}");
    let events = world.store().account_events(&crate::support::alice().sub, None, 1).await;
    assert_eq!(events.unwrap()[0].event.kind.as_str(), "password_guessed");
    // From now on the right one is wrong there, and nobody is told that it is not.
    world.clock.advance(3601);
    let right = attempt(&world, ELSEWHERE, "alice", "alice").await;
    assert_eq!(right.status, StatusCode::BAD_REQUEST, "{right:?}");
    world.clock.advance(3601);
    let wrong = attempt(&world, ELSEWHERE, "alice", "wrong").await;
    assert_eq!(right.page().text, wrong.page().text);
    assert_eq!(world.mails().await, [], "told once");
    // Where she has signed in before, she signs in, which gives nobody more guesses elsewhere.
    assert_eq!(attempt(&world, HERE, "alice", "alice").await.status, StatusCode::SEE_OTHER);
    world.clock.advance(3601);
    let right = attempt(&world, ELSEWHERE, "alice", "alice").await;
    assert_eq!(right.status, StatusCode::BAD_REQUEST, "{right:?}");
}

#[tokio::test]
async fn another_password_ends_the_limit() {
    let world = with_limit().await;
    guess_from_everywhere(&world, "alice", MOST + 3).await;
    world.import(user("alice", "another password", &[])).await;
    world.clock.advance(3601);
    let owner = attempt(&world, ELSEWHERE, "alice", "another password").await;
    assert_eq!(owner.status, StatusCode::SEE_OTHER, "{owner:?}");
}

#[tokio::test]
async fn a_month_without_a_guess_ends_the_limit() {
    let world = with_limit().await;
    guess_from_everywhere(&world, "alice", MOST + 3).await;
    world.clock.advance(30 * 86_400 + 1);
    let owner = attempt(&world, ELSEWHERE, "alice", "alice").await;
    assert_eq!(owner.status, StatusCode::SEE_OTHER, "{owner:?}");
}

#[tokio::test]
async fn owners_who_mistype_take_their_own_failures_back() {
    let world = with_limit().await;
    for number in 0..2 * MOST {
        let address = format!("203.0.113.{number}");
        fail(&world, &address, "alice", 2).await;
        let owner = attempt(&world, &address, "alice", "alice").await;
        assert_eq!(owner.status, StatusCode::SEE_OTHER, "{owner:?}");
    }
    assert!(world.mails().await.iter().all(|mail| mail.kind == MailKind::NewDevice));
}

#[tokio::test]
async fn a_known_place_has_guesses_of_its_own() {
    let world = with_limit().await;
    let mut laptop = Browser::at(&world, HERE.parse().unwrap());
    assert_eq!(laptop.sign_in("alice", "alice", None).await.status, StatusCode::SEE_OTHER);
    // Somebody at the same address, without her browser.
    for _ in 0..MOST {
        world.clock.advance(3601);
        fail(&world, HERE, "alice", 1).await;
    }
    world.clock.advance(3601);
    let stranger = attempt(&world, HERE, "alice", "alice").await;
    assert_eq!(stranger.status, StatusCode::BAD_REQUEST, "{stranger:?}");
    assert_eq!(laptop.sign_in("alice", "alice", None).await.status, StatusCode::SEE_OTHER);
    let elsewhere = attempt(&world, ELSEWHERE, "alice", "alice").await;
    assert_eq!(elsewhere.status, StatusCode::SEE_OTHER, "{elsewhere:?}");
}

#[tokio::test]
async fn without_a_limit_guesses_are_slowed_down_alone() {
    let world = with_limit().await;
    let accounts = AccountSettings { most_wrong_attempts: 0, ..AccountSettings::default() };
    let world = world.with_accounts(accounts).await;
    guess_from_everywhere(&world, "alice", 2 * MOST).await;
    world.clock.advance(3601);
    let owner = attempt(&world, ELSEWHERE, "alice", "alice").await;
    assert_eq!(owner.status, StatusCode::SEE_OTHER, "{owner:?}");
}

/// What one learns of a name after more guesses than the limit: nothing.
#[tokio::test]
async fn the_limit_tells_nobody_whether_there_is_such_a_user() {
    let world = with_limit().await;
    let mut seen = Vec::new();
    for username in ["alice", "nobody"] {
        guess_from_everywhere(&world, username, MOST + 2).await;
        world.clock.advance(3601);
        let answer = attempt(&world, ELSEWHERE, username, "wrong").await;
        seen.push((answer.status, answer.page().text));
    }
    assert_eq!(seen[0], seen[1]);
}

/// An attempt counts as a failure until it is known to be none: right ones must not refuse one
/// another, neither in browsers nor at a client that signs users in itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn right_passwords_at_the_same_time_all_sign_in() {
    let world = World::new().await;
    let browsers = (0..8).map(|_| attempt(&world, HERE, "alice", "alice"));
    for answer in futures::future::join_all(browsers).await {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    }
    let by_password = [
        ("grant_type", "password"),
        ("client_id", "MyBackend"),
        ("client_secret", "secret"),
        ("username", "alice"),
        ("password", "alice"),
    ];
    let grants = (0..16).map(|_| world.token(&by_password));
    for answer in futures::future::join_all(grants).await {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
}
