//! What every store must do, whatever database it is on. A store's test file names an async
//! function that opens an empty one:
//!
//! ```ignore
//! mod conformance;
//! conformance::suite!(open_empty_store);
//! ```
//! The function returns the store as `Arc<dyn Store>` and a guard that is dropped after the test.
#![allow(clippy::unwrap_used, missing_docs)]

pub mod access;
pub mod clients;
pub mod codes;
pub mod consents;
pub mod device_codes;
pub mod expiry;
pub mod failed_sign_ins;
pub mod fixtures;
pub mod grants;
pub mod logout_notices;
pub mod pushed_requests;
pub mod reference_tokens;
pub mod refresh_tokens;
pub mod rotation;
pub mod sessions;
pub mod signing_keys;
pub mod single_uses;
pub mod users;

/// Makes a test of each case, on a store of its own.
macro_rules! suite {
    ($open:path) => {
        conformance::suite! { $open;
            users: rehashed_without_an_end_of_sessions_and_grants,
                listed_by_name, listed_in_pages, removed_with_everything,
                found_by_sub_and_username, imported_again_are_replaced, may_exchange_names,
                a_foreign_username_is_refused_whole, a_new_password_ends_what_the_old_one_began,
                nothing_begins_with_a_password_that_is_no_more,
                nothing_begins_beside_a_new_password,
                a_new_password_ends_what_devices_were_allowed, a_removed_ones_devices_get_nothing,
                another_name_ends_nothing, what_was_changed_since_the_last_import_stays,
                a_removed_one_comes_back_when_configured_otherwise, a_change_does_not_undo_another;
            clients: added_once, replaced_at_the_known_version_only,
                imported_in_place_of_the_last_import,
                removed_with_everything, much_is_removed_in_pages;
            sessions: found_until_expiry, replaced_and_ended, each_client_takes_part_once,
                one_that_goes_on_keeps_its_clients, another_users_sign_in_ends_the_first,
                an_ended_one_gives_no_code_and_redeems_none,
                its_end_revokes_grants_without_offline_access,
                ended_by_user_and_sid, listed_for_their_user_the_latest_first, listed_in_pages,
                the_oldest_ends_beyond_the_limit, many_end_in_pages;
            access: summed_up_by_client_and_scope, a_use_moves_the_last_one_by_hours,
                revoked_with_the_consent_and_for_one_client_only, revoked_before_it_is_fetched,
                much_is_revoked_in_pages;
            logout_notices: queued_for_the_clients_that_want_one,
                claimed_again_after_the_lease_only,
                postponed_and_dropped, claimed_once_among_many,
                no_more_than_asked_and_the_longest_waiting_first,
                a_new_password_or_a_disabled_user_queues_too, forgotten_when_nobody_claims_them;
            codes: found_until_removed, redeemed_once, redeemed_once_among_many,
                a_replay_revokes_the_first_grant,
                an_unknown_one_changes_nothing;
            grants: the_oldest_goes_beyond_the_limit, live_until_expiry, live_as_long_as_the_token,
                revoked_for_good;
            device_codes: no_more_wait_for_one_origin_than_are_allowed,
                a_taken_user_code_is_refused, called_up_until_expiry,
                answered_once_by_whom_it_is_claimed_by,
                answered_in_a_live_session_only,
                polled_too_often_is_slowed_down, polls_at_once_slow_down_each,
                unknown_to_another_client,
                redeemed_once_among_many, never_redeemed_when_denied_or_expired;
            pushed_requests: no_more_wait_for_one_origin_than_are_allowed,
                found_until_expiry, held_once_until_a_moment,
                consumed_once_among_many, consumed_only_until_expiry;
            reference_tokens: the_first_to_expire_goes_beyond_the_limit, found_until_expiry,
                revoked_for_good;
            refresh_tokens: found_with_grant_and_user, extended_with_the_grant,
                extended_only_while_live;
            rotation: hands_on_the_family, repeats_within_grace, a_used_successor_ends_the_grace,
                beyond_grace_revokes,
                without_grace_revokes, a_clock_set_back_lengthens_no_grace,
                repeats_a_token_that_expired_since,
                refuses_the_expired_unknown_and_revoked, of_many_one_wins_and_all_get_its_seed,
                keeps_the_grant_alive,
                keeps_two_tokens_of_a_family_that_tells_itself,
                keeps_whatever_can_not_tell_its_family,
                a_grant_is_revoked_for_a_forgotten_token_while_it_can_be_renewed;
            consents: remembered_and_replaced;
            signing_keys: resealed_all_or_none, added_and_removed, added_once_among_many,
                added_once_an_algorithm;
            single_uses: noted_once, noted_once_among_many, forgotten_not_before_the_moment;
            failed_sign_ins: admitted_then_made_to_wait, a_wait_changes_nothing,
                counted_exactly_among_many,
                a_success_takes_its_own_failures_back_and_nobody_elses,
                a_success_leaves_no_less_than_none, a_withdrawn_attempt_does_not_count,
                who_has_signed_in_is_known_for_a_month,
                old_ones_count_no_more;
            expiry: removes_what_is_of_no_more_use, notices_replays_as_long_as_promised,
                removes_no_more_than_asked;
        }
    };
    ($open:path; $($module:ident: $($case:ident),+;)+) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                let (store, _guard) = $open().await;
                super::conformance::$module::$case(store).await;
            })+
        })+
    };
}
pub(crate) use suite;
