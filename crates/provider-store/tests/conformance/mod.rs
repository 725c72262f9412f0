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
pub mod account_events;
pub mod administration;
pub mod audit_records;
pub mod clients;
pub mod codes;
pub mod consents;
pub mod device_codes;
pub mod expiry;
pub mod external_identities;
pub mod external_ids;
pub mod factors;
pub mod failed_sign_ins;
pub mod fixtures;
pub mod grants;
pub mod groups;
pub mod identity_providers;
pub mod left_behind;
pub mod logout_notices;
pub mod outbox;
pub mod passkeys;
pub mod pushed_requests;
pub mod reference_tokens;
pub mod refresh_tokens;
pub mod registered_clients;
pub mod rotation;
pub mod sessions;
pub mod signing_keys;
pub mod single_uses;
pub mod tickets;
pub mod users;

use doorward_provider_store::Limits;

/// Makes a test of each case, on a store of its own.
macro_rules! suite {
    ($open:path) => {
        conformance::suite! { $open;
            users: rehashed_without_an_end_of_sessions_and_grants,
                a_removed_ones_sub_is_used_for_ever, each_cost_of_their_passwords_is_known,
                listed_by_name, listed_in_pages, removed_with_everything,
                found_by_sub_and_username, imported_again_are_replaced, may_exchange_names,
                a_strangers_name_is_left_to_the_stranger,
                a_new_password_ends_what_the_old_one_began,
                nothing_begins_with_a_password_that_is_no_more,
                nothing_begins_beside_a_new_password,
                a_new_password_ends_what_devices_were_allowed, a_removed_ones_devices_get_nothing,
                without_a_password_nothing_begins_by_one, found_by_verified_email,
                a_foreign_verified_email_is_refused,
                another_name_ends_nothing, what_was_changed_since_the_last_import_stays,
                a_removed_ones_sub_is_not_imported_again, a_change_does_not_undo_another;
            administration: users_are_found_by_prefix_in_order, users_are_filtered,
                a_user_is_removed_by_who_knows_them_as_they_are, the_last_owner_stays,
                of_owners_who_go_at_once_one_stays,
                a_mail_is_tried_again_at_once, a_request_is_answered_once_under_its_key,
                a_request_begins_once_among_many;
            clients: listed_in_pages, added_once, replaced_at_the_known_version_only,
                imported_in_place_of_the_last_import,
                removed_with_everything, much_is_removed_in_pages, a_new_one_inherits_nothing;
            sessions: found_until_expiry, replaced_and_ended, each_client_takes_part_once,
                one_that_goes_on_keeps_its_clients, another_users_sign_in_ends_the_first,
                an_ended_one_gives_no_code_and_redeems_none,
                its_end_revokes_grants_without_offline_access,
                ended_by_user_and_sid, listed_for_their_user_the_latest_first, listed_in_pages,
                the_oldest_ends_beyond_the_limit, many_end_in_pages;
            access: summed_up_by_client_and_scope, summed_up_in_pages,
                a_use_moves_the_last_one_by_hours,
                revoked_with_the_consent_and_for_one_client_only,
                revoked_whatever_clock_it_was_given_by, revoked_before_it_is_fetched,
                much_is_revoked_in_pages;
            account_events: listed_in_pages_the_latest_first, the_oldest_goes_beyond_the_limit,
                forgotten_by_age_and_with_the_user,
                all_are_kept_while_the_user_is_replaced,
                none_is_kept_of_somebody_who_is_gone;
            audit_records: kept_as_they_were_stamped, added_once_however_often,
                found_by_each_column, counted_by_steps_of_time,
                listed_in_pages_the_latest_first, found_however_far_apart,
                sealed_in_one_chain,
                sealed_once_among_many_writers_and_sealers,
                a_chain_that_moved_on_is_not_overwritten, removed_from_the_beginning,
                the_first_key_stays, delivered_by_one_at_a_time;
            groups: added_once_and_replaced_at_the_known_version_only, listed_in_pages,
                come_with_their_members, a_change_of_the_user_keeps_them,
                members_are_listed_in_pages, members_are_found_by_their_user_names,
                nobody_joins_what_is_not_there,
                no_user_is_in_more_than_are_allowed, removed_with_their_memberships,
                a_new_group_has_nobody_of_one_that_is_being_removed;
            identity_providers: added_replaced_and_removed_at_the_known_version_only,
                of_many_changes_of_one_version_one_is_made,
                credentials_are_encrypted_again_at_the_known_version_only;
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
                no_more_wait_for_one_site_than_are_allowed, who_holds_most_makes_room,
                a_taken_user_code_is_refused, called_up_until_expiry,
                answered_once_by_whom_it_is_claimed_by,
                answered_in_a_live_session_only,
                polled_too_often_is_slowed_down, polls_at_once_slow_down_each,
                unknown_to_another_client,
                redeemed_once_among_many, never_redeemed_when_denied_or_expired;
            pushed_requests: no_more_wait_for_one_origin_than_are_allowed,
                no_more_wait_for_one_site_than_are_allowed, who_holds_most_makes_room,
                a_known_client_keeps_its_own,
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
            registered_clients: found_until_expiry_and_then_swept,
                apart_from_the_clients_of_operators, replaced_by_who_has_the_token,
                a_changed_one_is_consented_to_anew,
                a_used_one_lives_longer_and_never_shorter,
                no_more_without_use_come_from_one_address_than_are_allowed,
                a_token_counts_as_often_as_it_says_among_many,
                a_token_is_not_used_in_vain_nor_after_its_end, listed_in_pages,
                removed_with_everything;
            consents:
                remembered_and_replaced,
                none_is_remembered_of_somebody_who_is_gone;
            signing_keys: resealed_all_or_none, added_and_removed, added_once_among_many,
                added_once_an_algorithm;
            single_uses: noted_once, noted_once_among_many, forgotten_not_before_the_moment;
            failed_sign_ins: admitted_then_made_to_wait, a_wait_changes_nothing,
                counted_exactly_among_many, each_of_many_sees_another_count,
                a_success_takes_its_own_failures_back_and_nobody_elses,
                a_success_leaves_no_less_than_none, a_withdrawn_attempt_does_not_count,
                who_has_signed_in_is_known_for_a_month, old_ones_count_no_more,
                some_are_remembered_for_a_month, all_of_a_success_own_are_forgotten;
            tickets: found_and_taken_for_its_purpose_until_expiry, taken_once_among_many,
                no_more_are_about_one_thing_than_are_allowed, only_those_that_are_added_count,
                so_many_count_among_many, the_limit_holds_among_many,
                removed_by_too_many_wrong_guesses,
                removed_with_the_password_or_the_address_they_were_for,
                a_user_is_changed_once_by_a_ticket, a_ticket_is_not_used_in_vain,
                one_name_is_registered_once_among_many,
                listed_by_purpose_and_removed_by_what_they_are_about,
                found_by_the_beginning_of_what_they_are_about, swept_when_expired;
            outbox: leased_until_they_are_sent, leased_once_among_many,
                what_one_says_is_encrypted_again,
                tried_again_when_that_is_due, never_sent_when_expired,
                the_longest_waiting_come_first, listed_in_pages,
                found_by_the_beginning_of_the_address;
            factors: an_app_is_used_when_it_is_confirmed,
                another_app_takes_the_place_of_the_first,
                a_step_is_accepted_once_and_never_an_earlier_one,
                a_step_is_accepted_once_among_many,
                wrong_codes_are_counted_until_a_right_one,
                a_recovery_code_is_used_once, a_recovery_code_is_used_once_among_many,
                the_last_factor_takes_the_recovery_codes_with_it,
                no_recovery_codes_are_made_beside_the_removal_of_the_last_factor,
                all_are_reset_and_go_with_the_user, the_first_one_ends_what_began_without_it,
                a_first_passkey_ends_what_began_without_it, a_further_one_ends_nothing,
                none_is_added_in_a_session_that_has_ended,
                none_is_added_to_somebody_who_is_gone_or_disabled,
                a_reset_ends_sessions_and_grants,
                a_reset_of_known_factors_ends_all_or_nothing,
                what_tells_of_a_change_is_kept_with_it,
                secrets_are_encrypted_again_in_pages;
            passkeys: found_by_identifier_and_listed_for_their_user,
                an_identifier_belongs_to_one_user, no_user_has_more_than_are_allowed,
                a_use_is_noted_if_the_counter_is_as_it_was_compared, removed_by_their_user_only,
                renamed_by_their_user_only, a_password_goes_only_if_there_is_another_way_in,
                the_last_way_in_stays,
                a_session_begins_with_one_that_is_still_there, no_session_begins_beside_a_removal;
            external_identities: found_by_issuer_and_subject_and_listed_for_their_user,
                a_user_is_added_with_one_once_among_many,
                a_user_is_added_under_a_free_name_and_address_only, an_invitation_adds_one_user,
                never_taken_from_another_user,
                linked_in_a_session_that_has_not_ended_only,
                linked_with_the_address_that_was_looked_for_only,
                of_many_at_once_with_one_address_one_is_linked_by_it,
                linked_by_a_user_name_with_an_account_that_nobody_can_sign_in_to,
                linked_by_what_the_client_calls_a_user_whom_it_added,
                no_user_has_more_than_are_allowed,
                what_is_mapped_comes_with_the_user_and_goes_with_the_identity,
                a_session_begins_with_one_that_is_still_the_users,
                an_unlinked_one_ends_the_sessions_that_began_by_it,
                sessions_end_with_those_at_the_other_provider,
                an_id_token_is_kept_as_long_as_a_session_that_began_by_it,
                an_id_token_goes_with_a_session_that_is_replaced,
                an_id_token_waits_for_its_session_for_a_limited_time,
                the_last_way_in_stays_whatever_goes_at_once,
                no_way_in_where_users_do_not_sign_in,
                an_unlinked_one_is_linked_again_by_the_user_only, removed_with_their_user;
            external_ids: each_client_has_its_own, they_go_with_what_they_are_of,
                a_group_gets_a_name_that_no_other_has_together_with_members,
                members_change_together_or_not_at_all,
                of_groups_that_get_one_name_at_once_one_has_it,
                users_are_found_by_further_addresses,
                parallel_changes_of_members_do_not_wait_for_each_other,
                lists_go_on_at_any_position;
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

/// The same for cases that need a store which keeps a thousand sessions of a user: there is more to
/// end than one transaction should.
macro_rules! roomy_suite {
    ($open:path) => {
        conformance::suite! { $open;
            left_behind: a_disabled_user_is_signed_out_before_the_sessions_are_removed,
                few_sessions_end_at_once,
                what_ends_with_a_session_is_over_at_once,
                a_user_is_enabled_when_all_sessions_have_ended,
                who_is_disabled_again_stays_signed_out,
                a_removed_user_leaves_nothing, another_password_ends_what_was_left,
                sessions_that_expire_meanwhile_end_like_the_others,
                a_session_can_be_ended_meanwhile,
                users_come_before_clients, several_processes_remove_at_once,
                a_user_is_enabled_beside_the_removal,
                nobody_signs_in_beside_the_end,
                a_removed_client_leaves_its_rows_to_the_server,
                a_new_client_inherits_nothing_of_a_removed_one,
                nobody_registers_by_the_identifier_of_a_removed_client;
        }
    };
}
pub(crate) use roomy_suite;

/// The limits of such a store.
pub const ROOMY: Limits = Limits {
    sessions_per_user: 1_000,
    grants_per_user_and_client: 1_000,
    reference_tokens_per_grant: 1_000,
};
